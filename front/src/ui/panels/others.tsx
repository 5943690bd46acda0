/** The other SSIDs of a callsign, in the order of their names. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Summary, search } from "../api";
import { t } from "../i18n";
import type { Page } from "../page";
import { RowLine } from "../row";

const MOST = 30;

/** The callsign without its SSID. */
export function callsignOf(name: string): string {
  const dash = name.indexOf("-");
  return dash < 0 ? name : name.slice(0, dash);
}

/** Of an answer: the stations of the same callsign, without the one that asks. */
export function othersOf(name: string, found: readonly Summary[]): Summary[] {
  const callsign = callsignOf(name);
  return found
    .filter((one) => one.kind === "station" && one.name !== name && callsignOf(one.name) === callsign)
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

export function OtherSsids({ page, name }: { page: Page; name: string }) {
  const others = useSignal<Summary[]>([]);
  // The answer is about the present: in time travel their ages would be wrong.
  const past = page.moment.value !== null;
  useEffect(() => {
    const request = new AbortController();
    others.value = [];
    search(callsignOf(name), MOST, request.signal).then(
      (found) => {
        if (!request.signal.aborted) others.value = othersOf(name, found.results);
      },
      // The card is whole without them.
      () => {},
    );
    return () => request.abort();
  }, [name]);
  if (others.value.length === 0) return null;
  return (
    <section class="others" aria-labelledby="others-title">
      <h3 id="others-title">{t("card.others")}</h3>
      <ul class="rows">
        {others.value.map((one) => (
          <li key={one.name}>
            <button type="button" class="line" onClick={() => page.open({ name: one.name, kind: "station" }, true)}>
              <RowLine page={page} row={{ name: one.name, symbol: one.symbol, heardMs: past ? undefined : Date.parse(one.last_heard) }} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
