// Styles on the photo that lies in the message box: sketched from a small copy of it, before anything is sent.

import { $, make } from "./dom.js";
import { ask } from "./talk.js";
import { language, t } from "./words.js";

const SIDE = 640; // pixels of the copy: sketches are smaller still
const PAUSE = 250; // milliseconds: who picks several photos wants none of them tried on the way

export class Tryouts {
  #row = $("tryouts");
  #file = null;
  #groups = null; // a promise of the styles on this photo, or of null
  #timer = null;
  #choose;

  // `choose(style)`: {key, name}; `all()`: every style there is.
  constructor({ choose, all }) {
    this.#choose = choose;
    $("tryouts-all").onclick = all;
  }

  // What lies in the box now: styles are tried on a single photo, and anew only on another one.
  look(photos) {
    const file = photos.length === 1 ? photos[0] : null;
    if (file === this.#file) return;
    this.#file = file;
    this.#groups = null;
    this.#row.hidden = true;
    $("tryouts-list").replaceChildren();
    clearTimeout(this.#timer);
    if (file) this.#timer = setTimeout(() => this.#try(file), PAUSE);
  }

  // The styles on the photo in the box, as `GET /api/styles` has them; null where there is none or it could not be tried.
  get groups() { return this.#groups ?? Promise.resolve(null); }

  redraw() { if (this.#file) { const file = this.#file; this.#file = null; this.look([file]); } }

  async #try(file) {
    this.#groups = tried(file);
    const groups = await this.#groups;
    if (file !== this.#file || !groups) return;
    const sketched = groups.flatMap((group) => group.styles).filter((style) => style.preview);
    const plain = ({ key }) => key.startsWith("id_photo"); // they look like the photo: the others first
    const styles = [...sketched.filter((style) => !plain(style)), ...sketched.filter(plain)];
    if (!styles.length) return;
    $("tryouts-list").replaceChildren(...styles.map((style) => this.#card(style)));
    this.#row.hidden = false;
  }

  #card(style) {
    const img = make("img", "", { src: style.preview, alt: "", decoding: "async", width: 72, height: 90 });
    const card = make("button", "tryout", { type: "button", lang: language() === "zh" ? "zh-Hans" : "en" }, img, make("span", "", {}, style.name));
    const item = make("li", "", {}, card);
    img.onload = () => img.classList.add("there");
    img.onerror = () => item.remove(); // this photo does not allow it
    card.onclick = () => this.#choose(style);
    return item;
  }
}

// Nothing here is worth an error message: without it the styles are there by name.
async function tried(file) {
  try {
    const form = new FormData();
    form.set("photos", await copyOf(file), "photo.jpg");
    return (await ask("/api/styles", { method: "POST", body: form })).groups;
  } catch {
    return null;
  }
}

async function copyOf(file) {
  const whole = await createImageBitmap(file);
  const factor = Math.min(1, SIDE / Math.max(whole.width, whole.height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.max(1, Math.round(whole.width * factor)), height: Math.max(1, Math.round(whole.height * factor)) });
  canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no copy"))), "image/jpeg", 0.9));
}
