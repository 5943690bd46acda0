/** The map goes with the selected station until somebody moves the map by hand. */
import { useEffect } from "preact/hooks";
import type { StationDetail } from "../api";
import type { Page } from "../page";

/** A station that the stream does not tell of (far out, or hidden tiles) is asked for this often. */
const ASK_EVERY_MS = 15_000;

export function useFollow(page: Page, station: Partial<StationDetail>): void {
  const on = page.follow.value;
  const { latitude: lat, longitude: lng } = station;
  useEffect(() => {
    if (on && lat !== undefined && lng !== undefined) page.panToPoint(lat, lng);
  }, [on, lat, lng]);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (page.slot.peek() === null && !document.hidden) page.refetch();
    }, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [on]);
}
