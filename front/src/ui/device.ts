/** What kind of device sends, in words. */
import { t } from "./i18n";
import "./texts.en.panels";

/** The classes of the device identification database; a newer table may have more. */
const CLASSES = [
  "app", "daemon", "digi", "dstar", "gadget", "ht", "igate", "network", "rig", "satellite", "service", "software", "tracker", "wx",
] as const;

export function deviceClass(name: string): string {
  const known = CLASSES.find((one) => one === name);
  return known === undefined ? name : t(`device.${known}`);
}
