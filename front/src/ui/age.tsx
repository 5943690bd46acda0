/** How long ago something was by the moment that is shown, counting while it is on the screen. */
import { serverNowMs, useNow } from "./clock";
import { age, moment } from "./format";
import type { Page } from "./page";

export function Age({ page, atMs }: { page: Page; atMs: number }) {
  const present = serverNowMs(page, useNow());
  const now = page.moment.value ?? present;
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return null;
  return (
    <time dateTime={date.toISOString()} title={moment(atMs)}>
      {age(Math.max(0, (now - atMs) / 1000))}
    </time>
  );
}
