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
  /** Something closed that the page already shows no more. */
  leave(): void;
}

/** `address` says what the page shows; `restore` shows what the step come back to says. */
export function steps(address: () => string, restore: () => void): Steps {
  /** Steps back that the page itself took: what they show is shown already. */
  let own = 0;
  const opened = () => (history.state as { opened?: unknown } | null)?.opened === true;
  addEventListener("popstate", () => {
    if (own > 0) {
      own--;
      write();
    } else {
      restore();
    }
  });
  function write(): void {
    // The step the page is leaving is not the one to write to.
    if (own === 0) history.replaceState(history.state, "", address());
  }
  return {
    write,
    enter(alone) {
      history.pushState({ opened: alone }, "", address());
    },
    leave() {
      if (opened() && own === 0) {
        own++;
        history.back();
      } else {
        history.pushState({ opened: false }, "", address());
      }
    },
  };
}
