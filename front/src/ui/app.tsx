/** The page over the map: what is where, and the keys that belong to no single part. */
import { useEffect } from "preact/hooks";
import { Card } from "./card";
import { plural, t } from "./i18n";
import { Icon } from "./icons";
import { Controls } from "./menu";
import type { Page } from "./page";
import { Search } from "./search";
import { Status } from "./status";

function Picker({ page }: { page: Page }) {
  const picked = page.picked.value;
  return (
    <aside class="picker panel" aria-labelledby="picker-title">
      <header>
        <h2 id="picker-title">{plural("pick.title", picked.length)}</h2>
        <button type="button" class="quiet" aria-label={t("close")} onClick={() => page.close()}>
          <Icon name="close" />
        </button>
      </header>
      <ul>
        {picked.map((one) => (
          <li key={`${one.kind} ${one.name}`}>
            <button type="button" onClick={() => page.open(one)}>
              <span class="name" dir="auto">{one.name}</span>
              <Icon name="chevron" />
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}

export function App({ page }: { page: Page }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") page.close();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const selection = page.selection.value;
  return (
    <>
      <div class="bar">
        <Search page={page} />
        <Status page={page} />
      </div>
      {page.picked.value.length > 0
        ? <Picker page={page} />
        : selection !== null && <Card page={page} selection={selection} />}
      <Controls page={page} />
    </>
  );
}
