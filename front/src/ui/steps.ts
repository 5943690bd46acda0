/**
 * The steps of the browser's history. What opens adds a step; what closes goes back over its own step where it can, so
 * that Back always undoes and closing leaves nothing behind. The view, the filter and marks are no steps: they are
 * written into the step at hand.
 */

export interface Steps {
  /** Writes the address of the step at hand. */
  write(): void;
  /** Something opened. `alone`: nothing of its kind was open before, so closing it may go back. */
  enter(alone: boolean): void;
  /** What the step at hand opened has led to something else, which takes over the step. `alone` as above. */
  become(alone: boolean): void;
  /** How many steps the page has taken up to the step at hand. */
  depth(): number;
  /** Something closed that the page already shows no more. */
  leave(): void;
}

/**
 * `address` says what the page shows; `restore` shows what the step come back to says, `from` and `to` being the depths of
 * the step that was left and of this one.
 */
export function steps(address: () => string, restore: (from: number, to: number) => void): Steps {
  /** Steps back that the page itself took: what they show is shown already. */
  let own = 0;
  const state = () => history.state as { opened?: unknown; depth?: unknown } | null;
  const opened = () => state()?.opened === true;
  const depth = () => Number(state()?.depth) || 0;
  let here = depth();
  addEventListener("popstate", () => {
    const from = here;
    here = depth();
    if (own > 0) {
      own--;
      write();
    } else {
      restore(from, here);
    }
  });
  function write(): void {
    // The step the page is leaving is not the one to write to.
    if (own === 0) history.replaceState(history.state, "", address());
  }
  function push(opened: boolean): void {
    here = depth() + 1;
    history.pushState({ opened, depth: here }, "", address());
  }
  return {
    write,
    depth,
    enter(alone) {
      push(alone);
    },
    become(alone) {
      history.replaceState({ opened: alone, depth: depth() }, "", address());
    },
    leave() {
      if (opened() && own === 0) {
        own++;
        history.back();
      } else {
        push(false);
      }
    },
  };
}
