// Photos that are pasted or dropped anywhere on the page.

import { MAX_MB, MAX_PHOTOS } from "./attached.js";
import { $ } from "./dom.js";
import { t } from "./words.js";

export function takeOffered(add) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    add(files.map((file, n) => (file.name ? file : new File([file], `pasted-${n}.png`, { type: file.type }))));
  });

  const drop = $("drop");
  let depth = 0;
  let ours = false; // a picture of this page dragged within it is not a drop
  const holdsFiles = (event) => !ours && event.dataTransfer?.types.includes("Files");
  const show = (on) => {
    drop.hidden = !on;
    $("drop-limit").textContent = t("drop.limit", { n: MAX_PHOTOS, mb: MAX_MB });
  };
  addEventListener("dragstart", () => { ours = true; });
  addEventListener("dragend", () => { ours = false; });
  addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; show(true); } });
  addEventListener("dragleave", (event) => { if (holdsFiles(event) && --depth <= 0) { depth = 0; show(false); } });
  addEventListener("dragover", (event) => { if (holdsFiles(event)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } });
  addEventListener("drop", (event) => {
    depth = 0;
    show(false);
    if (!holdsFiles(event)) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
}
