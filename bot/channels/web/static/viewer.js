// One picture as large as the window, or at its own size, or beside its photo; the others by arrow, swipe or button.

import { Compare } from "./compare.js";
import { $, whole } from "./dom.js";
import { t } from "./words.js";

export class Viewer {
  #dialog = $("viewer");
  #image = $("viewer-image");
  #compare;
  #pictures = [];
  #index = 0;
  #opener = null;
  #swipe = null;

  // `use(picture)`: go on from it; `share(picture)`: make a link to it; `paint(picture)`: mark places on it.
  constructor({ use, share, paint }) {
    const dialog = this.#dialog;
    this.#compare = new Compare({ toggled: (on) => { this.#image.hidden = on; this.#large(false); } });
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
    $("viewer-share").onclick = () => share(this.#pictures[this.#index].picture);
    $("viewer-stage").onclick = (event) => {
      if (event.target === this.#image) this.#zoom();
      else if (!$("compare").contains(event.target)) dialog.close();
    };
    dialog.onkeydown = (event) => this.#key(event);
    dialog.onclose = () => {
      this.#image.removeAttribute("src");
      this.#compare.leave();
      if (this.#opener?.isConnected) this.#opener.focus();
    };
    this.#swiping($("viewer-stage"));
  }

  // `pictures`: [{picture, result, job, index}], of which `picture` is shown first.
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
    this.#large(false);
    this.#image.src = whole(picture);
    this.#image.width = picture.width;
    this.#image.height = picture.height;
    const names = { n: this.#index + 1, total };
    this.#image.alt = t(result ? "message.result" : "message.sent_photo", names);
    $("viewer-position").textContent = t("viewer.position", names);
    $("viewer-size").textContent = t("viewer.size", { w: picture.width, h: picture.height });
    $("viewer-save").href = `${picture.url}?download=1`;
    $("viewer-share").hidden = !result;
    this.#buttons();
    this.#compare.look(this.#pictures[this.#index]);
  }

  #buttons() {
    const had = document.activeElement;
    $("viewer-previous").disabled = this.#index === 0;
    $("viewer-next").disabled = this.#index === this.#pictures.length - 1;
    if (had?.disabled) $("viewer-close").focus();
  }

  #large(on) {
    this.#dialog.classList.toggle("whole", on);
    $("viewer-zoom").setAttribute("aria-pressed", String(on));
    $("viewer-zoom").disabled = this.#compare?.on ?? false;
  }

  #zoom() {
    if (this.#compare.on) return;
    this.#large(!this.#dialog.classList.contains("whole"));
    const stage = $("viewer-stage");
    stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target === $("compare-at")) return;
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
      const one = event.touches.length === 1 && !this.#dialog.classList.contains("whole") && !this.#compare.on;
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
