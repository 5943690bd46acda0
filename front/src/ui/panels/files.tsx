/** The viewer's own files as layers. They are read in this tab and never leave it. */
import "../texts.en.tools";
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Drawings, type OwnFile, boxOf, colourOf, files } from "../../map/drawings";
import { FileError, MOST_BYTES, readDrawing } from "../../map/read-file";
import { number, plural, t } from "../i18n";
import { Icon } from "../icons";
import { type Page, fromMercator } from "../page";
import { dark } from "../settings";
import { Heading, SideFrame } from "./side";

const MOST_FILES = 12;
const ACCEPT = ".gpx,.kml,.geojson,.json,application/gpx+xml,application/vnd.google-earth.kml+xml,application/geo+json";

/** What went wrong with the files opened last, one line each. */
const trouble = signal<readonly string[]>([]);
let drawn = false;
let nextId = 1;

/** Reads files one after the other, draws them and shows them; what cannot be read is told of. */
export async function openFiles(page: Page, opened: readonly File[]): Promise<void> {
  const core = page.map?.core;
  if (core === undefined || opened.length === 0) return;
  if (!drawn) {
    drawn = true;
    core.add(new Drawings(core));
  }
  const failed: string[] = [];
  const fresh: OwnFile[] = [];
  for (const file of opened) {
    const name = file.name.slice(0, 80);
    try {
      if (files.peek().length >= MOST_FILES) {
        failed.push(t("files.many", { name, count: number(MOST_FILES) }));
        continue;
      }
      if (file.size > MOST_BYTES) throw new FileError("size");
      const { shapes, cut } = readDrawing(await file.text());
      const one = { id: nextId, name, shapes, cut, shown: true, colour: nextId - 1, box: boxOf(shapes) };
      nextId++;
      files.value = [...files.peek(), one];
      fresh.push(one);
    } catch (error) {
      failed.push(t(`files.${error instanceof FileError ? error.why : "unread"}`, { name, size: number(MOST_BYTES / 1024 / 1024) }));
    }
  }
  trouble.value = failed;
  if (fresh.length > 0) fit(page, fresh);
}

function fit(page: Page, some: readonly OwnFile[]): void {
  page.fit(some.flatMap(({ box: [west, north, east, south] }) => [fromMercator(west, north), fromMercator(east, south)]));
}

function change(id: number, to: Partial<OwnFile> | null): void {
  files.value = files.value.flatMap((one) => (one.id !== id ? [one] : to === null ? [] : [{ ...one, ...to }]));
}

export function FilesPanel({ page }: { page: Page }) {
  const input = useRef<HTMLInputElement>(null);
  const list = files.value;
  return (
    <SideFrame id="files-title" class="files" close={() => page.close()} head={(
      <div class="who"><Heading id="files-title">{t("files.title")}</Heading></div>
    )}>
      <p class="hint faint">{t("files.hint")}</p>
      {trouble.value.map((line) => <p key={line} class="note" role="alert">{line}</p>)}
      <ul class="rows">
        {list.map((one) => (
          <li key={one.id} class="with-button">
            <label class="line">
              <input type="checkbox" checked={one.shown} aria-label={t("files.shown", { name: one.name })}
                onChange={(event) => change(one.id, { shown: event.currentTarget.checked })} />
              <svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><path d="M2 9 9 3l6 6 7-6" stroke={colourOf(one, dark.value)} /></svg>
              <span class="who">
                <span class="name" dir="auto">{one.name}</span>
                <span class="faint">{plural("files.count", one.shapes.length)}{one.cut && ` · ${t("files.cut")}`}</span>
              </span>
            </label>
            <button type="button" class="quiet" aria-label={t("files.fit", { name: one.name })} title={t("files.fit", { name: one.name })} onClick={() => fit(page, [one])}>
              <Icon name="locate" />
            </button>
            <button type="button" class="quiet" aria-label={t("files.remove", { name: one.name })} title={t("files.remove", { name: one.name })} onClick={() => change(one.id, null)}>
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <input ref={input} type="file" multiple hidden accept={ACCEPT} aria-label={t("files.choose")} onChange={(event) => {
        void openFiles(page, [...event.currentTarget.files ?? []]);
        // The same file may be chosen again.
        event.currentTarget.value = "";
      }} />
      <div class="actions">
        <button type="button" class="action" onClick={() => input.current?.click()}><Icon name="file" /><span>{t("files.choose")}</span></button>
      </div>
    </SideFrame>
  );
}
