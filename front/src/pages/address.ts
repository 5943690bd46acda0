/** Which addresses are pages of their own and not the map. First words in small letters, just so: `/ABOUT` is a callsign. */

export const PAGES = ["packets", "badpackets", "info", "weather", "status", "api", "about"] as const;
export type PageName = (typeof PAGES)[number];
/** Those that may be about a name, `/info/N0CALL`; `crates/web/src/pages.rs` has the same. */
export const OF_A_NAME: readonly PageName[] = ["packets", "info", "weather"];

export interface PageAddress {
  page: PageName;
  /** Of a station, object or item; null without one. */
  name: string | null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text).trim() || null;
  } catch {
    return null;
  }
}

/** Null: the map. */
export function pageAddress(pathname: string): PageAddress | null {
  const [, first = "", second, ...more] = pathname.replace(/(.)\/$/, "$1").split("/");
  const page = PAGES.find((one) => one === first);
  if (page === undefined || more.length > 0 || (second !== undefined && !OF_A_NAME.includes(page))) return null;
  return { page, name: second === undefined ? null : decoded(second) };
}

/** The path of a page, of a name if it is about one. */
export function pagePath(page: PageName, name?: string | null, kind?: string): string {
  const path = name == null ? `/${page}` : `/${page}/${encodeURIComponent(name)}`;
  return kind === undefined || kind === "station" ? path : `${path}?kind=${kind}`;
}

/** The map with a card. */
export function mapPath(name: string, kind = "station"): string {
  const query = new URLSearchParams({ call: name });
  if (kind !== "station") query.set("kind", kind);
  return `/?${query}`;
}
