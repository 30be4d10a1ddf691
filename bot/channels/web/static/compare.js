// Before and after: the photo a picture was made from lies under it, and a line is drawn across by hand or by key.

import { $, smaller } from "./dom.js";
import { ask } from "./talk.js";
import { t } from "./words.js";

export class Compare {
  #box = $("compare");
  #at = $("compare-at");
  #button = $("viewer-compare");
  #originals = new Map(); // by job: asked for once
  #shown = null;
  #toggled;

  // `toggled(on)`: the comparison is shown in the picture's place, or not any more.
  constructor({ toggled }) {
    this.#toggled = toggled;
    this.#at.oninput = () => this.#draw();
  }

  get on() { return !this.#box.hidden; }

  // The picture that is looked at now. There is a comparison where a photo of the person's led to it.
  async look({ picture, job, result, index = 0 }) {
    this.#shown = picture;
    this.#set(false);
    this.#button.hidden = true;
    if (!result || !job) return;
    const originals = await this.#of(job);
    if (this.#shown !== picture || !originals.length) return;
    this.#button.hidden = false;
    const original = originals[originals.length > 1 ? Math.min(index, originals.length - 1) : 0];
    this.#box.style.setProperty("--ratio", String(picture.width / picture.height));
    this.#button.onfocus = this.#button.onpointerenter = () => this.#load(original, picture); // before it is pressed
    this.#button.onclick = () => { this.#load(original, picture); this.#set(this.#box.hidden); };
  }

  leave() {
    this.#shown = null;
    this.#set(false);
    for (const id of ["compare-before", "compare-after"]) $(id).removeAttribute("src");
  }

  async #of(job) {
    if (!this.#originals.has(job)) {
      try {
        this.#originals.set(job, (await ask(`/api/originals?job=${encodeURIComponent(job)}`)).originals);
      } catch {
        return []; // without its photo a picture is shown as it is
      }
    }
    return this.#originals.get(job);
  }

  #load(original, picture) {
    $("compare-before").src = smaller(original, 1280);
    $("compare-after").src = smaller(picture, 1280);
  }

  #set(on) {
    if (on === this.on) return;
    this.#box.hidden = !on;
    this.#button.setAttribute("aria-pressed", String(on));
    this.#at.value = "50";
    this.#draw();
    this.#toggled(on);
    if (on) this.#at.focus();
  }

  #draw() {
    this.#box.style.setProperty("--at", `${this.#at.value}%`);
    this.#at.setAttribute("aria-valuetext", t("compare.at", { n: this.#at.value }));
  }
}
