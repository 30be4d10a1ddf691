// The message box: words, photos picked, pasted, dropped or taken, a picture to go on from; and sending all that.

import { make, icon, smaller } from "./log.js";
import { newId, post } from "./talk.js";
import { apply, t } from "./words.js";

export const MAX_PHOTOS = 8;
export const MAX_MB = 20;
const DRAFT = "likeness.draft";
const PHOTO_NAME = /\.(jpe?g|jpe|jfif|mpo|png|webp|gif|bmp|dib|tiff?|hei[cf]s?|hif|avifs?|jp2|j2k|tga|ico)$/i;
const $ = (id) => document.getElementById(id);

// By type or name; where neither tells, the server looks at its bytes.
const untold = (file) => ["", "application/octet-stream"].includes(file.type) && !file.name.includes(".");
const isPhoto = (file) => (file.type.startsWith("image/") && file.type !== "image/svg+xml") || PHOTO_NAME.test(file.name) || untold(file);

export class Composer {
  #form = $("composer");
  #text = $("text");
  #photos = [];
  #quote = null;
  #id = null; // of the message being sent; kept for its repeats as long as the message stays the same
  #sending = false;
  #retry = null;
  #sent;

  // `sent(id)` is called for each message that was taken.
  constructor({ sent }) {
    this.#sent = sent;
    this.#form.onsubmit = (event) => { event.preventDefault(); this.send(); };
    this.#text.oninput = () => this.#changed();
    this.#text.onkeydown = (event) => this.#key(event);
    $("attach").onclick = () => this.pick();
    $("camera").onclick = () => $("shot").click();
    for (const input of [$("photos"), $("shot")]) {
      input.onchange = () => { this.add([...input.files]); input.value = ""; };
    }
    $("failed-retry").onclick = () => this.#retry?.();
    $("failed-dismiss").onclick = () => { this.settle(); this.focus(); };
    addEventListener("paste", (event) => this.#paste(event));
    this.#dropping();
    this.#text.value = kept();
    this.#changed();
  }

  pick() { $("photos").click(); }
  focus() { this.#text.focus(); }
  get sendingId() { return this.#sending ? this.#id : null; }

  // --- what is attached

  add(files) {
    const photos = files.filter(isPhoto);
    if (photos.length < files.length) this.fail(t("error.not_a_photo"));
    const fitting = photos.filter((file) => file.size <= MAX_MB * 1024 * 1024);
    if (fitting.length < photos.length) this.fail(t("error.photo_too_large", { mb: MAX_MB }));
    for (const file of fitting) {
      if (this.#photos.some((p) => same(p.file, file))) continue;
      if (this.#photos.length + (this.#quote ? 1 : 0) >= MAX_PHOTOS) {
        this.fail(t("error.too_many_photos", { n: MAX_PHOTOS }));
        break;
      }
      this.#photos.push({ file, url: URL.createObjectURL(file) });
    }
    this.#changed();
    this.#drawAttached();
    this.focus();
  }

  use(picture) {
    this.#quote = picture;
    this.#changed();
    this.#drawAttached();
    this.focus();
  }

  #remove(index) {
    URL.revokeObjectURL(this.#photos[index].url);
    this.#photos.splice(index, 1);
    this.#afterRemoval();
  }

  #afterRemoval() {
    this.#changed();
    this.#drawAttached();
    ($("attached").querySelector(".remove") ?? this.#text).focus();
  }

  #drawAttached() {
    const tiles = this.#photos.map(({ file, url }, index) => {
      const img = make("img", "", { src: url, alt: t("composer.photo", { n: index + 1 }) });
      img.onerror = () => img.replaceWith(make("span", "blank", {}, t("composer.no_preview", { type: kindOf(file) })));
      return tile("", img, t("composer.remove", { n: index + 1 }), () => this.#remove(index));
    });
    if (this.#quote) {
      const img = make("img", "", { src: smaller(this.#quote, 320), alt: t("composer.quote") });
      tiles.unshift(tile("quote", img, t("composer.remove_quote"), () => { this.#quote = null; this.#afterRemoval(); }));
    }
    $("attached").replaceChildren(...tiles);
    $("attached").hidden = tiles.length === 0;
  }

  // --- words

  #changed() {
    const text = this.#text;
    const ready = Boolean(text.value.trim() || this.#photos.length || this.#quote);
    $("send").disabled = !ready || this.#sending;
    if (!this.#sending) this.#id = null;
    text.dataset.tPlaceholder = this.#quote ? "composer.placeholder_quote"
      : this.#photos.length ? "composer.placeholder_photo" : "composer.placeholder";
    text.placeholder = t(text.dataset.tPlaceholder);
    if (!CSS.supports("field-sizing", "content")) {
      text.style.height = "auto";
      text.style.height = `${text.scrollHeight}px`;
    }
    keep(text.value);
  }

  #key(event) {
    // While an input method is composing, Enter chooses its candidate (229: browsers that say so only by the code).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.send();
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.add(files.map((file, n) => (file.name ? file : new File([file], `pasted-${n}.png`, { type: file.type }))));
  }

  #dropping() {
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
      this.add([...event.dataTransfer.files]);
    });
  }

  // --- sending

  async send() {
    if (this.#sending || $("send").disabled) return;
    this.#id ??= newId();
    const message = { id: this.#id, text: this.#text.value.trim(), photos: this.#photos.map((p) => p.file), picture: this.#quote?.url };
    this.#busy(true);
    if (await this.#someAreGone()) return;
    try {
      await post(message, (part) => $("rising").style.setProperty("--sent", String(part)));
      this.taken(message.id);
    } catch (refusal) {
      if (!this.#sending) return; // it arrived after all: its own line was seen
      if (refusal.code === "network" && await this.#someAreGone()) return;
      const id = this.#id;
      this.#busy(false);
      this.#id = id;
      this.fail(navigator.onLine ? refusal.message : t("status.offline"), () => this.send());
    }
  }

  // Files that were moved or changed since they were picked can be read no more: they are let go, which sending again
  // would not mend.
  async #someAreGone() {
    const readable = await Promise.all(this.#photos.map(({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
    const gone = this.#photos.filter((_, index) => !readable[index]);
    if (!gone.length) return false;
    for (const { url } of gone) URL.revokeObjectURL(url);
    this.#photos = this.#photos.filter((_, index) => readable[index]);
    this.#busy(false);
    this.#drawAttached();
    this.fail(t("error.file_gone", { name: gone.map(({ file }) => file.name).join(", ") }));
    return true;
  }

  // The message of this id has been taken, whether its answer arrived or its line was seen in the conversation.
  taken(id) {
    if (id !== this.#id || !this.#sending) return;
    for (const { url } of this.#photos) URL.revokeObjectURL(url);
    this.#photos = [];
    this.#quote = null;
    this.#text.value = "";
    this.settle();
    this.#busy(false);
    this.#drawAttached();
    this.#sent(id);
  }

  // A choice, or an example: words that are not in the box.
  async say(message, { retry = true } = {}) {
    message.id ??= newId();
    try {
      await post(message);
      this.settle();
      this.#sent(message.id);
      return true;
    } catch (refusal) {
      this.fail(navigator.onLine ? refusal.message : t("status.offline"), retry ? () => this.say(message) : null);
      return false;
    }
  }

  get attachedAnything() { return this.#photos.length > 0 || this.#quote !== null; }

  // Words that go with what is attached.
  sayWithAttached(text) {
    this.#text.value = text;
    this.#changed();
    return this.send();
  }

  #busy(on) {
    this.#sending = on;
    this.#form.classList.toggle("sending", on);
    this.#form.setAttribute("aria-busy", String(on));
    this.#text.readOnly = on;
    $("send").setAttribute("aria-label", t(on ? "composer.sending" : "composer.send"));
    $("rising").style.setProperty("--sent", "0");
    for (const button of [$("attach"), $("camera")]) button.disabled = on;
    this.#changed();
  }

  // --- what went wrong, and what to do about it

  fail(text, retry = null) {
    $("failed-text").textContent = text;
    $("failed").hidden = false;
    $("failed-retry").hidden = retry === null;
    this.#retry = retry;
  }

  settle() {
    $("failed").hidden = true;
    this.#retry = null;
  }

  redraw() {
    apply($("composer"));
    this.#drawAttached();
    this.#changed();
  }
}

function tile(kind, content, label, remove) {
  const button = make("button", "round remove", { "type": "button", "aria-label": label, "title": label }, icon("close"));
  button.onclick = remove;
  return make("li", `tile ${kind}`, {}, content, button);
}

const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
const kindOf = (file) => (PHOTO_NAME.exec(file.name)?.[1] ?? (file.type.split("/")[1] || file.name)).toUpperCase();

function keep(text) {
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // then a reload forgets the draft
  }
}

function kept() {
  try {
    return sessionStorage.getItem(DRAFT) ?? "";
  } catch {
    return "";
  }
}
