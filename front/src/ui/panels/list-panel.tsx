/**
 * What is in view as text: one list box of which only the rows on the screen exist. While somebody is in it the order
 * stands still; what came meanwhile is announced by its number.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Choice } from "../choice";
import { plural, t } from "../i18n";
import { useNews } from "../news";
import type { Page } from "../page";
import { RowLine } from "../row";
import { type Line, ORDERS, type Order, gather, keepOrder, windowOf } from "./list";
import { Heading, SideFrame } from "./side";

const EVERY_MS = 2000;
const ROW_PX = 48;
/** Letters typed within this time are one beginning of a name. */
const TYPING_MS = 800;

/** Kept while the page is open: the order, and whose card was opened from here, to come back to its line. */
let lastOrder: Order = "name";
let lastOpened: string | null = null;

export function ListPanel({ page }: { page: Page }) {
  const order = useSignal<Order>(lastOrder);
  const lines = useSignal<readonly Line[]>([]);
  const waiting = useSignal(0);
  const active = useSignal(0);
  const busy = useRef(false);
  const news = useNews(page, EVERY_MS, () => lines.peek().length === 0);
  const renew = (keep: boolean) => {
    const view = page.bounds.peek();
    if (view === null) return;
    const from = page.from.peek() ?? page.view.peek();
    const now = gather(page.world.entities, view, page.filter.peek(), from, order.peek());
    const kept = keep ? keepOrder(lines.peek(), now) : { lines: now, waiting: 0 };
    const before = lines.peek()[active.peek()];
    lines.value = kept.lines;
    waiting.value = kept.waiting;
    const place = before === undefined ? -1 : kept.lines.findIndex((one) => one.name === before.name && one.kind === before.kind);
    active.value = Math.max(0, place >= 0 ? place : Math.min(active.peek(), kept.lines.length - 1));
  };
  useEffect(() => renew(busy.current && lines.peek().length > 0), [news.value]);
  useEffect(() => order.subscribe((chosen) => {
    lastOrder = chosen;
    active.value = 0;
    renew(false);
  }), []);
  const far = page.view.value.zoom < 5;
  return (
    <SideFrame id="list-title" class="list" close={() => page.close()} head={(
      <div class="who">
        <Heading id="list-title">{t("list.title")}</Heading>
        <p class="faint">{far ? t("list.far") : plural("list.count", lines.value.length)}</p>
      </div>
    )}>
      <div class="tools">
        <Choice name="order" title={t("list.order")} options={ORDERS} chosen={order} text={(one) => t(`list.order.${one}`)} />
        <p class="faint waiting" role="status">
          {waiting.value > 0 && (
            <>{plural("list.waiting", waiting.value)} <button type="button" class="text" onClick={() => renew(false)}>{t("list.renew")}</button></>
          )}
        </p>
      </div>
      {!far && lines.value.length === 0 && <p class="note">{t("list.none")}</p>}
      {lines.value.length > 0 && <Rows page={page} lines={lines.value} active={active} setBusy={(on) => {
        busy.current = on;
      }} />}
    </SideFrame>
  );
}

interface RowsProps {
  page: Page;
  lines: readonly Line[];
  active: { value: number };
  setBusy: (on: boolean) => void;
}

function Rows({ page, lines, active, setBusy }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const typed = useRef({ text: "", atMs: 0 });
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const watch = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const open = (line: Line) => {
    lastOpened = line.name;
    page.open({ name: line.name, kind: line.kind }, line.at);
  };
  const go = (to: number) => {
    active.value = Math.max(0, Math.min(lines.length - 1, to));
    const element = box.current as HTMLDivElement;
    const y = active.value * ROW_PX;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + ROW_PX > element.scrollTop + element.clientHeight) element.scrollTop = y + ROW_PX - element.clientHeight;
  };
  useEffect(() => {
    const back = lastOpened === null ? -1 : lines.findIndex((line) => line.name === lastOpened);
    lastOpened = null;
    if (back < 0) return;
    go(back);
    box.current?.focus({ preventScroll: true });
  }, []);
  const seek = (letter: string, nowMs: number) => {
    const { text, atMs } = typed.current;
    const start = nowMs - atMs < TYPING_MS ? text + letter : letter;
    typed.current = { text: start, atMs: nowMs };
    const found = lines.findIndex((line) => line.name.toUpperCase().startsWith(start.toUpperCase()));
    if (found >= 0) go(found);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page10 = Math.max(1, Math.floor(height.value / ROW_PX) - 1);
    const steps: Record<string, number> = {
      ArrowDown: active.value + 1, ArrowUp: active.value - 1, PageDown: active.value + page10, PageUp: active.value - page10,
      Home: 0, End: lines.length - 1,
    };
    const to = steps[event.key];
    const line = lines[active.value];
    if (to !== undefined) go(to);
    else if ((event.key === "Enter" || event.key === " ") && line !== undefined) open(line);
    // A name is sought by its first letters; "/" and "?" stay the page's.
    else if (/^[A-Za-z0-9<-]$/.test(event.key)) seek(event.key, event.timeStamp);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const { first, last } = windowOf(lines.length, ROW_PX, top.value, height.value);
  const { entities } = page.world;
  return (
    <div
      class="virtual" ref={box} role="listbox" tabIndex={0} aria-labelledby="list-title"
      aria-activedescendant={active.value >= first && active.value < last ? `line-${active.value}` : undefined}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
      onKeyDown={onKeyDown}
      onFocus={() => setBusy(true)} onBlur={() => setBusy(false)}
      onPointerEnter={() => setBusy(true)} onPointerLeave={() => setBusy(document.activeElement === box.current)}
    >
      <div role="presentation" style={{ height: `${lines.length * ROW_PX}px` }}>
        {lines.slice(first, last).map((line, i) => {
          const at = first + i;
          return (
            <div
              key={`${line.kind} ${line.name}`} id={`line-${at}`} role="option" class="line" aria-selected={at === active.value}
              aria-setsize={lines.length} aria-posinset={at + 1}
              style={{ transform: `translateY(${at * ROW_PX}px)` }}
              onClick={() => {
                active.value = at;
                open(line);
              }}
            >
              <RowLine page={page} row={{
                name: line.name, heardMs: line.heardS * 1000, way: line.way,
                symbol: {
                  table: String.fromCharCode(entities.symbolTable[line.slot] as number),
                  code: String.fromCharCode(entities.symbolCode[line.slot] as number),
                },
              }} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
