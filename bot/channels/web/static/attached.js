// What goes with the words: photos in their order, a picture to go on from, and what the last of several is for.

import { $, blank, icon, make, smaller } from "./dom.js";
import { t } from "./words.js";

export const MAX_PHOTOS = 8;
export const MAX_MB = 20;
const PHOTO_NAME = /\.(jpe?g|jpe|jfif|mpo|png|webp|gif|bmp|dib|tiff?|hei[cf]s?|hif|avifs?|jp2|j2k|tga|ico)$/i;
const HOLD = 260; // milliseconds a finger rests on a photo before it carries it; a mouse carries at once
const SLACK = 8;

// By type or name; where neither tells, the server looks at its bytes.
const untold = (file) => ["", "application/octet-stream"].includes(file.type) && !file.name.includes(".");
const isPhoto = (file) => (file.type.startsWith("image/") && file.type !== "image/svg+xml") || PHOTO_NAME.test(file.name) || untold(file);
const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
const kindOf = (file) => (PHOTO_NAME.exec(file.name)?.[1] ?? (file.type.split("/")[1] || file.name)).toUpperCase();

export class Attached {
  #list = $("attached");
  #roles = $("roles");
  #photos = [];
  #quote = null;
  #changed;
  #fail;
  #said;
  #paint;

  // `changed()`: something was added, removed or moved; `fail(text)`: why something was not; `said(text)`: for who listens;
  // `paint(file, url)`: the painter on a photo.
  constructor({ changed, fail, said, paint }) {
    this.#paint = paint;
    this.#changed = changed;
    this.#fail = fail;
    this.#said = said;
    this.#roles.onchange = () => changed();
  }

  get photos() { return this.#photos.map((photo) => photo.file); }
  get quote() { return this.#quote; }
  get any() { return this.#photos.length > 0 || this.#quote !== null; }
  get #total() { return this.#photos.length + (this.#quote ? 1 : 0); }

  // What the last picture is for: "photo" like the others, a "style" to copy, a "template" to be put into.
  get role() { return this.#total > 1 ? this.#roles.querySelector(":checked").value : "photo"; }

  restore({ photos, quote, role }) {
    this.#photos = photos.map(shown);
    this.#quote = quote;
    this.#roles.querySelector(`[value="${role}"]`).checked = true;
    this.draw();
  }

  // Photos among these files, as far as there is room; the first that does not fit says why.
  add(files) {
    const photos = files.filter(isPhoto);
    if (photos.length < files.length) this.#fail(t("error.not_a_photo"));
    const fitting = photos.filter((file) => file.size <= MAX_MB * 1024 * 1024);
    if (fitting.length < photos.length) this.#fail(t("error.photo_too_large", { mb: MAX_MB }));
    for (const file of fitting) {
      if (this.#photos.some((photo) => same(photo.file, file))) continue;
      if (this.#total >= MAX_PHOTOS) {
        this.#fail(t("error.too_many_photos", { n: MAX_PHOTOS }));
        break;
      }
      this.#photos.push(shown(file));
    }
    this.#redone();
  }

  use(picture) {
    this.#quote = picture;
    this.#redone();
  }

  clear() {
    for (const { url } of this.#photos) URL.revokeObjectURL(url);
    this.#photos = [];
    this.#quote = null;
    this.#roles.querySelector("[value=photo]").checked = true;
    this.draw();
  }

  // Files that were moved or changed since they were picked can be read no more: they are let go; their names.
  async letGoOfGone() {
    const readable = await Promise.all(this.#photos.map(({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
    const gone = this.#photos.filter((_, index) => !readable[index]);
    for (const { url } of gone) URL.revokeObjectURL(url);
    if (gone.length) {
      this.#photos = this.#photos.filter((_, index) => readable[index]);
      this.draw();
    }
    return gone.map(({ file }) => file.name);
  }

  // It went by another way.
  letGo(file) {
    const index = this.#photos.findIndex((photo) => photo.file === file);
    if (index < 0) return;
    URL.revokeObjectURL(this.#photos[index].url);
    this.#photos.splice(index, 1);
    this.#redone();
  }

  #redone() {
    this.draw();
    this.#changed();
  }

  #remove(index) {
    URL.revokeObjectURL(this.#photos[index].url);
    this.#photos.splice(index, 1);
    this.#afterRemoval();
  }

  #afterRemoval() {
    this.#redone();
    (this.#list.querySelector(".remove") ?? $("text")).focus();
  }

  draw() {
    const tiles = this.#photos.map((photo, index) => this.#tile(photo, index));
    if (this.#quote) {
      const img = make("img", "", { src: smaller(this.#quote, 320), alt: t("composer.quote") });
      tiles.unshift(make("li", "tile quote", {}, img, remover(t("composer.remove_quote"), () => { this.#quote = null; this.#afterRemoval(); })));
    }
    this.#list.replaceChildren(...tiles);
    this.#list.hidden = tiles.length === 0;
    this.#roles.hidden = tiles.length < 2;
  }

  #tile({ file, url }, index) {
    const n = index + 1;
    const total = this.#photos.length;
    const img = make("img", "", { src: url, alt: t("composer.photo", { n }), draggable: "false" });
    const paint = make("button", "round on-it", { "type": "button", "aria-label": t("message.paint_label", { n }), "title": t("message.paint") }, icon("paint"));
    paint.onclick = () => this.#paint(file, url);
    img.onerror = () => { paint.remove(); img.replaceWith(blank(t("composer.no_preview", { type: kindOf(file) }))); };
    const several = total > 1;
    const content = several ? make("button", "grip", { type: "button", title: t("composer.move") }, img) : img;
    if (several) {
      content.setAttribute("aria-label", `${t("composer.photo_of", { n, total })} ${t("composer.move")}`);
      content.onclick = () => this.#move(index, 0);
      content.onkeydown = (event) => {
        const step = { ArrowLeft: -1, ArrowRight: +1 }[event.key];
        if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        this.#move(index, index + step);
      };
      this.#carrying(content, index);
    }
    return make("li", "tile", {}, content, paint, remover(t("composer.remove", { n }), () => this.#remove(index)));
  }

  #move(from, to) {
    if (to < 0 || to >= this.#photos.length || from === to) return;
    const [photo] = this.#photos.splice(from, 1);
    this.#photos.splice(to, 0, photo);
    this.#redone();
    this.#grips()[to]?.focus();
    this.#said(t("composer.moved", { n: to + 1, total: this.#photos.length }));
  }

  #grips() { return [...this.#list.querySelectorAll(".grip")]; }

  // Carried by a mouse at once, by a finger after it rested: until then a swipe scrolls the row.
  #carrying(grip, index) {
    let start = null;
    const tile = () => grip.parentElement;
    const lift = () => { start.lifted = true; tile().classList.add("carried"); };
    const end = () => {
      clearTimeout(start?.timer);
      tile()?.classList.remove("carried");
      if (tile()) tile().style.transform = "";
      start = null;
    };
    grip.onpointerdown = (event) => {
      if (event.button !== 0) return;
      start = { x: event.clientX, lifted: false, mouse: event.pointerType === "mouse" };
      if (!start.mouse) start.timer = setTimeout(lift, HOLD);
      grip.setPointerCapture(event.pointerId);
    };
    grip.onpointermove = (event) => {
      if (!start) return;
      const moved = event.clientX - start.x;
      if (!start.lifted && Math.abs(moved) > SLACK) {
        if (!start.mouse) return end();
        lift();
      }
      if (start.lifted) tile().style.transform = `translateX(${moved}px)`;
    };
    grip.onpointerup = (event) => {
      const lifted = start?.lifted;
      end();
      if (!lifted) return;
      grip.onclick = null; // it was a carry, not a press
      const before = this.#grips().filter((other) => other !== grip && middle(other) < event.clientX).length;
      if (before === index) this.draw();
      else this.#move(index, before);
    };
    grip.onpointercancel = end;
    grip.addEventListener("touchmove", (event) => { if (start?.lifted) event.preventDefault(); }, { passive: false });
  }
}

const shown = (file) => ({ file, url: URL.createObjectURL(file) });

const middle = (element) => {
  const box = element.getBoundingClientRect();
  return box.left + box.width / 2;
};

function remover(label, remove) {
  const button = make("button", "round remove", { "type": "button", "aria-label": label, "title": label }, icon("close"));
  button.onclick = remove;
  return button;
}
