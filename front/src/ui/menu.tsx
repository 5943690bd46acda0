/** Zoom, position and the small menu of what the map looks like. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { test } from "../live/filter";
import { FilterPanel } from "./filter";
import { LANGUAGES, type Language, t } from "./i18n";
import { Icon } from "./icons";
import type { Page } from "./page";
import { LANGUAGE_CHOICES, THEMES, UNITS, languageChoice, languageFailed, theme, units } from "./settings";

/** One of a few, all in sight. */
function Choice<T extends string>(props: { name: string; title: string; options: readonly T[]; chosen: Signal<T>; text: (option: T) => string }) {
  return (
    <fieldset class="choice">
      <legend>{props.title}</legend>
      <div>
        {props.options.map((option) => (
          <label key={option}>
            <input
              type="radio"
              name={props.name}
              checked={props.chosen.value === option}
              onChange={() => {
                props.chosen.value = option;
              }}
            />
            <span>{props.text(option)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function LanguageChoice() {
  return (
    <label class="pick-one">
      <span>{t("menu.language")}</span>
      <select
        value={languageChoice.value}
        onChange={(event) => {
          languageChoice.value = event.currentTarget.value as "auto" | Language;
        }}
      >
        {LANGUAGE_CHOICES.map((one) => (
          <option key={one} value={one} lang={one === "auto" ? undefined : one}>
            {one === "auto" ? t("menu.language.auto") : LANGUAGES[one]}
          </option>
        ))}
      </select>
      {languageFailed.value && <span role="alert">{t("menu.language.failed")}</span>}
    </label>
  );
}

function Menu({ page, basemap }: { page: Page; basemap: Signal<string> }) {
  const { basemaps, version } = page.settings;
  return (
    <div class="menu panel" id="menu">
      <Choice name="theme" title={t("menu.theme")} options={THEMES} chosen={theme} text={(one) => t(`menu.theme.${one}`)} />
      <Choice name="units" title={t("menu.units")} options={UNITS} chosen={units} text={(one) => t(`menu.units.${one}`)} />
      {basemaps.length > 0 && (
        <Choice
          name="basemap"
          title={t("menu.basemap")}
          options={["", ...basemaps.map((one) => one.id)]}
          chosen={basemap}
          text={(id) => basemaps.find((one) => one.id === id)?.name ?? t("menu.basemap.builtin")}
        />
      )}
      <LanguageChoice />
      {version !== "" && <p class="version">{t("app.name")} {version}</p>}
    </div>
  );
}

export function Controls({ page }: { page: Page }) {
  const open = useSignal<"" | "menu" | "filter">("");
  const trouble = useSignal("");
  const basemap = useSignal("");
  const box = useRef<HTMLElement>(null);

  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) open.value = "";
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || open.value === "") return;
      open.value = "";
      event.stopImmediatePropagation();
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("keydown", escape, true);
    };
  }, []);

  useEffect(() => {
    // The first call tells what already is: the map begins with its own base map.
    let begun = false;
    return basemap.subscribe((id) => {
      if (begun) page.setBasemap(id);
      begun = true;
    });
  }, []);

  const filtered = test(page.filter.value) !== null;
  const locate = () => {
    trouble.value = "";
    navigator.geolocation.getCurrentPosition(
      (found) => page.flyToPoint(found.coords.latitude, found.coords.longitude),
      () => {
        trouble.value = t("locate.failed");
      },
      { timeout: 15_000, maximumAge: 60_000 },
    );
  };

  return (
    <section class="controls" ref={box} aria-label={t("controls.label")}>
      {trouble.value !== "" && <p class="trouble panel" role="alert">{trouble.value}</p>}
      <button
        type="button"
        class="panel round"
        data-active={filtered}
        aria-label={t(filtered ? "filter.open.active" : "filter.open")}
        aria-expanded={open.value === "filter"}
        aria-controls="filter"
        title={t("filter.open")}
        onClick={() => {
          open.value = open.value === "filter" ? "" : "filter";
        }}
      >
        <Icon name="filter" />
      </button>
      <button
        type="button"
        class="panel round"
        aria-label={t("menu.open")}
        aria-expanded={open.value === "menu"}
        aria-controls="menu"
        title={t("menu.open")}
        onClick={() => {
          open.value = open.value === "menu" ? "" : "menu";
        }}
      >
        <Icon name="layers" />
      </button>
      {open.value === "menu" && <Menu page={page} basemap={basemap} />}
      {open.value === "filter" && <FilterPanel page={page} />}
      {/* Browsers give a position to secure pages only. */}
      {isSecureContext && "geolocation" in navigator && (
        <button type="button" class="panel round" aria-label={t("locate")} title={t("locate")} onClick={locate}>
          <Icon name="locate" />
        </button>
      )}
      <div class="zoom panel">
        <button type="button" aria-label={t("zoom.in")} title={t("zoom.in")} onClick={() => page.zoomIn()}>
          <Icon name="plus" />
        </button>
        <button type="button" aria-label={t("zoom.out")} title={t("zoom.out")} onClick={() => page.zoomOut()}>
          <Icon name="minus" />
        </button>
      </div>
    </section>
  );
}
