/** Which entities are shown. Works on what the stream delivers (docs/protocol.md); the address of the page keeps it. */
import type { EntityColumns } from "./types";

const KINDS = ["station", "object", "item"] as const;
const HEARD = ["radio", "direct", "internet"] as const;
const RADIO = 4;
const WEATHER = 8;
const DIRECT = 128;
const MOST_SYMBOLS = 20;
const LONGEST_AGE_MIN = 7 * 24 * 60;

export interface Filter {
  kind: "" | (typeof KINDS)[number];
  /** Table and code, as "/>"; an overlay counts as its alternate table. Empty: all. */
  symbols: readonly string[];
  /** Over radio; over radio by an igate itself, without a digipeater; over the internet, or nothing says how. */
  heard: "" | (typeof HEARD)[number];
  moving: boolean;
  weather: boolean;
  /** Heard within so many minutes; 0: whenever. */
  ageMin: number;
}

export const EVERYTHING: Filter = { kind: "", symbols: [], heard: "", moving: false, weather: false, ageMin: 0 };

/** The symbol of an entity as filters name it. */
export function symbolOf(entities: EntityColumns, slot: number): string {
  const table = entities.symbolTable[slot] as number;
  return (table === 47 ? "/" : "\\") + String.fromCharCode(entities.symbolCode[slot] as number);
}

/** Whether an entity is shown, as a question to its slot and the present (seconds since 1970); null when all are. */
export function test(filter: Filter): ((entities: EntityColumns, slot: number, nowS: number) => boolean) | null {
  const { heard, moving, weather, ageMin } = filter;
  const kind = KINDS.indexOf(filter.kind as (typeof KINDS)[number]);
  const symbols = filter.symbols.length === 0 ? null : new Set(filter.symbols);
  if (kind < 0 && symbols === null && heard === "" && !moving && !weather && ageMin === 0) return null;
  return (entities, slot, nowS) => {
    const flags = entities.flags[slot] as number;
    if (kind >= 0 && (flags & 3) !== kind) return false;
    if (heard === "direct" && (flags & DIRECT) === 0) return false;
    if ((heard === "radio" || heard === "internet") && ((flags & RADIO) !== 0) !== (heard === "radio")) return false;
    if (weather && (flags & WEATHER) === 0) return false;
    // An unknown speed is NaN and moves not.
    if (moving && !((entities.speedKmh[slot] as number) > 0)) return false;
    if (ageMin > 0 && nowS - (entities.heardS[slot] as number) > ageMin * 60) return false;
    return symbols === null || symbols.has(symbolOf(entities, slot));
  };
}

/** Reads a filter from an address; what does not make sense is as if it were not there. */
export function parseFilter(search: string): Filter {
  const query = new URLSearchParams(search);
  const age = Number(/^\d{1,5}$/.exec(query.get("age") ?? "")?.[0] ?? 0);
  // Each symbol is two characters, one after the other without a mark between them: any mark is a symbol too.
  const symbols = query.get("symbols")?.match(/[/\\][!-~]/gy) ?? [];
  return {
    kind: KINDS.find((one) => one === query.get("only")) ?? "",
    symbols: [...new Set(symbols)].slice(0, MOST_SYMBOLS),
    heard: HEARD.find((one) => one === query.get("heard")) ?? "",
    moving: query.get("moving") === "1",
    weather: query.get("weather") === "1",
    ageMin: age <= LONGEST_AGE_MIN ? age : 0,
  };
}

/** Writes a filter into an address. */
export function writeFilter(filter: Filter, query: URLSearchParams): void {
  if (filter.kind !== "") query.set("only", filter.kind);
  if (filter.symbols.length > 0) query.set("symbols", filter.symbols.join(""));
  if (filter.heard !== "") query.set("heard", filter.heard);
  if (filter.moving) query.set("moving", "1");
  if (filter.weather) query.set("weather", "1");
  if (filter.ageMin > 0) query.set("age", String(filter.ageMin));
}
