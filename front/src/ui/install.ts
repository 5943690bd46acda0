/** The service worker that keeps the page for when there is no network, and the browser's offer to install it. */
import { signal } from "@preact/signals";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallPrompt | null = null;
/** The browser would install the page now. */
export const canInstall = signal(false);

/** Registers the worker once the page has what it needs; call once. */
export function startInstall(): void {
  addEventListener("beforeinstallprompt", (event) => {
    // Asked for in the settings, not by a bar over the map.
    event.preventDefault();
    offer = event as InstallPrompt;
    canInstall.value = true;
  });
  addEventListener("appinstalled", () => {
    canInstall.value = false;
  });
  // Browsers have workers on secure pages only; `npm run dev` has none.
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  const register = () => {
    navigator.serviceWorker.register("/sw.js").catch((error: unknown) => console.warn(`service worker: ${String(error)}`));
  };
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

export async function install(): Promise<void> {
  await offer?.prompt();
  offer = null;
  canInstall.value = false;
}
