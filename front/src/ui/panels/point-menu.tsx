/** What can be done with a point of the map: right click, long press or the menu key open it there. */
import "../texts.en.panels";
import "./panels.css";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ruler } from "../../map/shown";
import { copyText } from "../clipboard";
import { latLng, locator } from "../format";
import { t } from "../i18n";
import { Icon } from "../icons";
import type { Page, PointMenu as Point } from "../page";

const EDGE_PX = 8;

export function PointMenu({ page, point }: { page: Page; point: Point }) {
  const box = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  const close = () => {
    page.pointMenu.value = null;
    if (before.current instanceof HTMLElement) before.current.focus({ preventScroll: true });
  };
  useLayoutEffect(() => {
    const element = box.current as HTMLElement;
    const { offsetWidth: width, offsetHeight: height, style } = element;
    style.left = `${Math.max(EDGE_PX, Math.min(point.x, innerWidth - width - EDGE_PX))}px`;
    style.top = `${Math.max(EDGE_PX, Math.min(point.y, innerHeight - height - EDGE_PX))}px`;
    if (before.current === null) before.current = document.activeElement;
    element.querySelector("button")?.focus({ preventScroll: true });
  }, [point]);
  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) page.pointMenu.value = null;
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...box.current?.querySelectorAll("button") ?? []];
    const now = items.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const item = (icon: "near" | "copy" | "pin" | "ruler", text: string, act: () => void) => (
    <button type="button" role="menuitem" tabIndex={-1} onClick={() => {
      close();
      act();
    }}>
      <Icon name={icon} /><span>{text}</span>
    </button>
  );
  return (
    <section class="point-menu panel" ref={box} aria-label={t("point.menu")}>
      <p>{latLng(point.lat, point.lng)}<br /><span class="faint">{locator(point.lat, point.lng)}</span></p>
      <div role="menu" aria-label={t("point.menu")} onKeyDown={onKeyDown}>
        {item("near", t("point.near"), () => page.nearTo({ lat: point.lat, lng: point.lng }))}
        {item("pin", t("point.from"), () => page.setFrom({ lat: point.lat, lng: point.lng }))}
        {item("ruler", t("point.ruler"), () => {
          ruler.value = [{ lat: Number(point.lat.toFixed(5)), lng: Number(point.lng.toFixed(5)) }];
          page.openSide("ruler");
        })}
        {item("copy", t("point.copy"), () => void copyText(`${point.lat.toFixed(5)}, ${point.lng.toFixed(5)}`))}
      </div>
    </section>
  );
}
