/** Files dropped on the page are opened as layers: whatever reads and draws them is fetched only then. */
import type { Page } from "./page";

const brings = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;

/** Takes files from now on; the answer stops it. A browser would otherwise leave the page for a file dropped on it. */
export function startDrop(page: Page): () => void {
  const over = (event: DragEvent) => {
    if (!brings(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  const away = (event: DragEvent) => {
    // Over to another element of the page is not away.
    if (event.relatedTarget === null) document.body.classList.remove("dropping");
  };
  const drop = (event: DragEvent) => {
    document.body.classList.remove("dropping");
    if (!brings(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer?.files ?? []];
    page.openSide("files");
    void import("./panels/files").then(({ openFiles }) => openFiles(page, files), (error: unknown) => console.warn(`files: ${String(error)}`));
  };
  addEventListener("dragover", over);
  addEventListener("dragleave", away);
  addEventListener("drop", drop);
  return () => {
    removeEventListener("dragover", over);
    removeEventListener("dragleave", away);
    removeEventListener("drop", drop);
  };
}
