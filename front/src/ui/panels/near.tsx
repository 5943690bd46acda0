/** The stations nearest to a point that the viewer set, with distance and bearing from there. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Near, near } from "../api";
import { latLng, locator } from "../format";
import { t } from "../i18n";
import type { Page } from "../page";
import { RowLine } from "../row";
import { CopyButton } from "./copy";
import { Heading, SideFrame } from "./side";

const MOST = 50;
/** Stations move and fall silent: the list is asked for again this often while it is looked at. */
const AGAIN_MS = 30_000;

export function NearPanel({ page }: { page: Page }) {
  const from = page.from.value;
  const found = useSignal<Near[] | null>(null);
  const failed = useSignal(false);
  const again = useSignal(0);
  useEffect(() => {
    if (from === null) return;
    const request = new AbortController();
    const ask = () => near(from, MOST, request.signal).then(
      (stations) => {
        if (request.signal.aborted) return;
        found.value = stations;
        failed.value = false;
      },
      () => {
        if (!request.signal.aborted) failed.value = true;
      },
    );
    void ask();
    const timer = setInterval(() => document.hidden || void ask(), AGAIN_MS);
    return () => {
      request.abort();
      clearInterval(timer);
    };
  }, [from, again.value]);
  if (from === null) return null;
  return (
    <SideFrame id="near-title" close={() => page.close()} head={(
      <div class="who">
        <Heading id="near-title">{t("near.title")}</Heading>
        <p class="faint">{latLng(from.lat, from.lng)} · {locator(from.lat, from.lng)}</p>
      </div>
    )}>
      <p class="hint faint">{t("near.hint")}</p>
      {failed.value && (
        <p class="note" role="alert">
          {t("near.failed")} <button type="button" class="text" onClick={() => again.value++}>{t("card.retry")}</button>
        </p>
      )}
      {found.value === null && !failed.value && <p class="faint loading">{t("near.loading")}</p>}
      {found.value?.length === 0 && <p class="note">{t("near.none")}</p>}
      <ul class="rows">
        {found.value?.map((one) => (
          <li key={`${one.kind} ${one.name}`}>
            <button type="button" class="line" onClick={() => page.open({ name: one.name, kind: one.kind }, placeOf(one) ?? true)}>
              <RowLine page={page} row={{
                name: one.name, symbol: one.symbol, heardMs: Date.parse(one.last_heard), way: { km: one.distance_km, deg: one.bearing_deg },
              }} />
            </button>
          </li>
        ))}
      </ul>
      <div class="actions">
        <CopyButton label={t("card.copy.position")} text={() => `${from.lat.toFixed(5)}, ${from.lng.toFixed(5)}`} />
        <CopyButton icon="link" label={t("card.link")} text={() => page.link({ call: null })} />
        <button type="button" class="action" onClick={() => page.setFrom(null)}>{t("near.forget")}</button>
      </div>
    </SideFrame>
  );
}

function placeOf(one: Near): { lat: number; lng: number } | null {
  return one.latitude === undefined || one.longitude === undefined ? null : { lat: one.latitude, lng: one.longitude };
}
