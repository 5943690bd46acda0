/** The marked stations: one line each, with its way from the point that was set, or from the first of them. */
import { useNow } from "../clock";
import { way } from "../geo";
import { plural, t } from "../i18n";
import { Icon } from "../icons";
import { heardMsOf, marked, placeOf } from "../marks";
import { KINDS, type Page } from "../page";
import { RowLine } from "../row";
import { CopyButton } from "./copy";
import { Heading, SideFrame } from "./side";

export function MarkedPanel({ page }: { page: Page }) {
  // Stations move: the ways are worked out anew each second, as the ages are.
  useNow();
  const list = marked.value;
  const first = list[0];
  const from = page.from.value ?? (first === undefined ? null : placeOf(page, first));
  const { entities } = page.world;
  return (
    <SideFrame id="marked-title" close={() => page.close()} head={(
      <div class="who"><Heading id="marked-title">{plural("marked.title", list.length)}</Heading></div>
    )}>
      <ul class="rows">
        {list.map((one) => {
          const at = placeOf(page, one);
          const symbol = one.slot === null ? one.detail?.symbol : {
            table: String.fromCharCode(entities.symbolTable[one.slot] as number),
            code: String.fromCharCode(entities.symbolCode[one.slot] as number),
          };
          const kind = one.slot === null ? one.detail?.kind ?? "station" : KINDS[(entities.flags[one.slot] as number) & 3] ?? "station";
          const measured = at === null || from === null || (one === first && page.from.value === null) ? null : way(from, at);
          return (
            <li key={one.name} class="with-button">
              <button type="button" class="line" onClick={() => page.open({ name: one.name, kind }, at ?? true)}>
                <RowLine page={page} row={{ name: one.name, symbol, heardMs: heardMsOf(page, one), way: measured }} />
                {one.answer === "missing" && one.slot === null && <span class="faint">{t("marked.missing")}</span>}
              </button>
              <button type="button" class="quiet" aria-label={t("marked.remove", { name: one.name })} title={t("marked.remove", { name: one.name })}
                onClick={() => page.setCalls(page.calls.value.filter((name) => name !== one.name))}>
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      <div class="actions">
        <button type="button" class="action" onClick={() => page.fit(list.map((one) => placeOf(page, one)).filter((at) => at !== null))}>
          <Icon name="pin" /><span>{t("marked.fit")}</span>
        </button>
        <CopyButton icon="link" label={t("card.link")} text={() => page.link({ call: null, side: "marked" })} />
        <button type="button" class="action" onClick={() => page.setCalls([])}>{t("marked.clear")}</button>
      </div>
    </SideFrame>
  );
}
