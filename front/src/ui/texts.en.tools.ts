/** The texts in English of trails, layers and tools: they come with the chunk that draws them. */
import { addEnglish } from "./i18n";

export const tools = {
  "trail.title": "Trail",
  "trail.hours": "History",
  "trail.length.one": "{count} hour",
  "trail.length.other": "{count} hours",
  "trail.days": "{count} days",
  "trail.loading": "Loading the trail",
  "trail.failed": "The trail did not load: {reason}.",
  "trail.still": "No movement in this time.",
  "trail.summary.one": "{count} position, {distance}",
  "trail.summary.other": "{count} positions, {distance}",
  "trail.cut": "There are more: choose a shorter time.",
  "trail.hidden.one": "Show {count} position that cannot be right",
  "trail.hidden.other": "Show {count} positions that cannot be right",
  "trail.hint": "Press a point of the trail for its time and packet.",
  "trail.point": "Point of the trail",
  "trail.point.close": "Close the point",
  "trail.point.live": "Just received: its packet follows.",
  "trail.point.reason": "Hidden because: {reason}",
  "hops.title": "Radio path",
  "hops.show": "Show the radio path",
  "hops.hide": "Hide the radio path",
  "hops.loading": "Loading the path",
  "hops.failed": "The path did not load: {reason}.",
  "hops.none": "No digipeater or igate is named in it.",
  "hops.source": "sender",
  "hops.digipeater": "digipeater",
  "hops.igate": "igate",
  "hops.nowhere": "position unknown",
} as const;

addEnglish(tools);
