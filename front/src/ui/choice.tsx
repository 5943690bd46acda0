/** Ways to choose one of several: all in sight, or folded into a list. */
import type { Signal } from "@preact/signals";

export function Choice<T extends string>(props: { name: string; title: string; options: readonly T[]; chosen: Signal<T>; text: (option: T) => string }) {
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

export function Select<T extends string>(props: {
  title: string; options: readonly T[]; chosen: T; text: (one: T) => string; choose: (one: T) => void; lang?: (one: T) => string | undefined;
}) {
  return (
    <label class="pick-one">
      <span>{props.title}</span>
      <select value={props.chosen} onChange={(event) => props.choose(event.currentTarget.value as T)}>
        {props.options.map((one) => <option key={one} value={one} lang={props.lang?.(one)}>{props.text(one)}</option>)}
      </select>
    </label>
  );
}
