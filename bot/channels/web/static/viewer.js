// One picture as large as the window, or at its own size; the others by arrow, swipe or button.

import { whole } from "./log.js";
import { t } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Viewer {
  #dialog = $("viewer");
  #image = $("viewer-image");
  #pictures = [];
  #index = 0;
  #opener = null;
  #swipe = null;

  constructor({ use, paint }) {
    const dialog = this.#dialog;
    $("viewer-close").onclick = () => dialog.close();
    $("viewer-previous").onclick = () => this.#go(-1);
    $("viewer-next").onclick = () => this.#go(+1);
    $("viewer-zoom").onclick = () => this.#zoom();
    $("viewer-use").onclick = () => {
      this.#opener = null;
      dialog.close();
      use(this.#pictures[this.#index].picture);
    };
    $("viewer-paint").onclick = () => {
      const opener = this.#opener;
      this.#opener = null;
      dialog.close();
      opener?.focus(); // where the painter leads back to
      paint(this.#pictures[this.#index].picture);
    };
    $("viewer-stage").onclick = (event) => {
      if (event.target === this.#image) this.#zoom();
      else dialog.close();
    };
    dialog.onkeydown = (event) => this.#key(event);
    dialog.onclose = () => {
      this.#image.removeAttribute("src");
      this.#opener?.focus();
    };
    this.#swiping($("viewer-stage"));
  }

  open(pictures, picture) {
    this.#pictures = pictures;
    this.#index = Math.max(0, pictures.findIndex((p) => p.picture.url === picture.url));
    this.#opener = document.activeElement;
    this.#draw();
    this.#dialog.showModal();
    $("viewer-close").focus();
  }

  #go(step) {
    const next = this.#index + step;
    if (next < 0 || next >= this.#pictures.length) return;
    this.#index = next;
    this.#draw();
  }

  #draw() {
    const { picture, result } = this.#pictures[this.#index];
    const total = this.#pictures.length;
    this.#dialog.classList.remove("whole");
    this.#image.src = whole(picture);
    this.#image.width = picture.width;
    this.#image.height = picture.height;
    const names = { n: this.#index + 1, total };
    this.#image.alt = t(result ? "message.result" : "message.sent_photo", names);
    $("viewer-position").textContent = t("viewer.position", names);
    $("viewer-size").textContent = t("viewer.size", { w: picture.width, h: picture.height });
    $("viewer-save").href = `${picture.url}?download=1`;
    this.#buttons();
  }

  #buttons() {
    const had = document.activeElement;
    $("viewer-previous").disabled = this.#index === 0;
    $("viewer-next").disabled = this.#index === this.#pictures.length - 1;
    if (had?.disabled) $("viewer-close").focus();
    const large = this.#dialog.classList.contains("whole");
    $("viewer-zoom").setAttribute("aria-pressed", String(large));
  }

  #zoom() {
    this.#dialog.classList.toggle("whole");
    this.#buttons();
    const stage = $("viewer-stage");
    stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const large = this.#dialog.classList.contains("whole");
    const does = {
      ArrowLeft: () => !large && this.#go(-1),
      ArrowRight: () => !large && this.#go(+1),
      Home: () => this.#go(-this.#index),
      End: () => this.#go(this.#pictures.length - 1 - this.#index),
      z: () => this.#zoom(),
    }[event.key];
    if (!does) return;
    if (does() !== false) event.preventDefault();
  }

  #swiping(stage) {
    stage.addEventListener("touchstart", (event) => {
      const one = event.touches.length === 1 && !this.#dialog.classList.contains("whole");
      this.#swipe = one ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
    }, { passive: true });
    stage.addEventListener("touchend", (event) => {
      if (!this.#swipe || (window.visualViewport?.scale ?? 1) > 1.05) return;
      const x = event.changedTouches[0].clientX - this.#swipe.x;
      const y = event.changedTouches[0].clientY - this.#swipe.y;
      if (Math.abs(x) > 56 && Math.abs(x) > 2 * Math.abs(y)) this.#go(x < 0 ? +1 : -1);
    }, { passive: true });
  }
}
