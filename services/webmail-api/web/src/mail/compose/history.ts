import { isNarrow } from "../layout";
import { closeComposer, composing } from "./host";

interface State {
  composer?: boolean;
}

const inEntry = (): boolean => Boolean((history.state as State | null)?.composer);

function pushEntry(): void {
  history.pushState({ ...(history.state as State | null), composer: true }, "", location.href);
}

/**
 * On a phone the composer fills the screen, so "back" must leave it, and not
 * the message behind it. It gets a history entry of its own for that.
 */
export function followHistory(): void {
  let open = composing.get() !== null;
  composing.subscribe(() => {
    const now = composing.get() !== null;
    if (now === open) return;
    open = now;
    if (now && isNarrow()) pushEntry();
    else if (!now && inEntry()) history.back();
  });
  window.addEventListener("popstate", () => {
    if (composing.get() === null || inEntry() || !isNarrow()) return;
    // When it cannot be stored it stays open, and needs its entry again.
    void closeComposer().then((closed) => {
      if (!closed) pushEntry();
    });
  });
}
