/** Several entities lie under one click: which one is meant? */
import { plural } from "../i18n";
import { Icon } from "../icons";
import type { Page } from "../page";
import { visible } from "../visible";
import { Heading, SideFrame } from "./side";

export function Picker({ page }: { page: Page }) {
  const picked = page.picked.value;
  return (
    <SideFrame id="picker-title" class="picker" subject={picked.map((one) => one.name).join()} close={() => page.close()}
      head={<div class="who"><Heading id="picker-title">{plural("pick.title", picked.length)}</Heading></div>}>
      <ul class="rows">
        {picked.map((one) => (
          <li key={`${one.kind} ${one.name}`}>
            <button type="button" class="line" onClick={() => page.open(one)}>
              <span class="name" dir="auto">{visible(one.name)}</span>
              <Icon name="chevron" />
            </button>
          </li>
        ))}
      </ul>
    </SideFrame>
  );
}
