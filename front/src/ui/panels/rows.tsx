/** A term and what is said of it, in a list of terms. */
import type { ComponentChildren } from "preact";

export function Row({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="row">
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}
