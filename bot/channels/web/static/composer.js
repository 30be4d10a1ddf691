// The message box: words, what is attached to them, and sending both; what is not sent yet outlives the page.

import { Attached } from "./attached.js";
import { $ } from "./dom.js";
import { Drafts } from "./drafts.js";
import { takeOffered } from "./offering.js";
import { newId, post } from "./talk.js";
import { Tryouts } from "./tryouts.js";
import { apply, t } from "./words.js";

const KEYBOARD = matchMedia("(hover: hover) and (pointer: fine) and (min-height: 30rem)");

export class Composer {
  #form = $("composer");
  #text = $("text");
  #attached;
  #drafts = new Drafts();
  #restored = false; // until then nothing is written over what is kept
  #id = null; // of the message being sent; kept for its repeats as long as the message stays the same
  #pending = false; // it was tried and may not have arrived
  #sending = false;
  #retry = null;
  #sent;
  #tryouts;

  // `sent(id)` is called for each message that was taken; `said(text)` tells who listens; `styles()` shows them all.
  // `paint(file, url, sent)` opens the painter on a photo that lies here.
  constructor({ sent, said, styles, paint }) {
    this.#sent = sent;
    this.#tryouts = new Tryouts({ choose: (style) => this.sayWithAttached(style.name), all: styles });
    this.#attached = new Attached({
      changed: () => this.#changed(),
      fail: (text) => this.fail(text),
      said,
      paint: (file, url) => paint(file, url, (id) => this.#painted(id, file)),
    });
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
    takeOffered((files) => this.add(files));
    KEYBOARD.onchange = () => this.#hint();
    this.#hint();
    this.#changed();
  }

  pick() { $("photos").click(); }
  focus() { this.#text.focus(); }
  get attachedAnything() { return this.#attached.any; }
  get tried() { return this.#tryouts.groups; }

  // What was being written when the page went: shown again, and sent if it had been on its way.
  async restore() {
    const kept = await this.#drafts.load();
    this.#restored = true;
    if (!kept || this.#text.value || this.#attached.any) return this.#keep(); // what is there now is the draft
    this.#text.value = kept.text;
    this.#attached.restore(kept);
    this.#changed();
    if (!kept.pending) return;
    this.#id = kept.id;
    this.send();
  }

  // Everything was forgotten: so is what was being written.
  forget() {
    this.#text.value = "";
    this.#attached.clear();
    this.#drafts.clear();
    this.settle();
    this.#changed();
  }

  add(files) {
    this.#attached.add(files);
    this.focus();
  }

  use(picture) {
    this.#attached.use(picture);
    this.focus();
  }

  // --- words

  // What keys do is said where there are keys, and to nobody else.
  #hint() {
    $("hint").hidden = !KEYBOARD.matches;
    if (KEYBOARD.matches) this.#text.setAttribute("aria-describedby", "hint");
    else this.#text.removeAttribute("aria-describedby");
  }

  #changed() {
    if (!this.#sending) { // another message than the one that was tried
      this.#id = null;
      this.#pending = false;
    }
    this.#show();
    this.#keep();
  }

  #show() {
    const text = this.#text;
    const ready = Boolean(text.value.trim() || this.#attached.any);
    $("send").disabled = !ready || this.#sending;
    this.#tryouts.look(this.#attached.quote ? [] : this.#attached.photos);
    text.dataset.tPlaceholder = this.#attached.quote ? "composer.placeholder_quote"
      : this.#attached.any ? "composer.placeholder_photo" : "composer.placeholder";
    text.placeholder = t(text.dataset.tPlaceholder);
    if (!CSS.supports("field-sizing", "content")) {
      text.style.height = "auto";
      text.style.height = `${text.scrollHeight}px`;
    }
  }

  #keep() {
    if (!this.#restored) return;
    const { photos, quote, role } = this.#attached;
    this.#drafts.save({ text: this.#text.value, photos, quote, role, id: this.#id, pending: this.#pending });
  }

  #key(event) {
    // While an input method is composing, Enter chooses its candidate (229: browsers that say so only by the code).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.send();
  }

  // --- sending

  async send() {
    if (this.#sending || $("send").disabled) return;
    this.#id ??= newId();
    this.#pending = true;
    this.#busy(true);
    if (await this.#someAreGone()) return;
    const message = { id: this.#id, text: this.#words(), photos: this.#attached.photos, picture: this.#attached.quote?.url };
    try {
      await post(message, (part) => $("rising").style.setProperty("--sent", String(part)));
      this.taken(message.id);
    } catch (refusal) {
      if (!this.#sending) return; // it arrived after all: its own line was seen
      const lost = refusal.code === "network";
      if (lost && await this.#someAreGone()) return;
      const id = this.#id;
      this.#busy(false);
      this.#id = id;
      this.#pending = lost; // refused is answered: nothing more is on its way
      this.#keep();
      this.fail(navigator.onLine ? refusal.message : t("status.offline"), () => this.send());
    }
  }

  // The line is back: what could not leave leaves now, under the name it had.
  lineIsBack() {
    if (this.#pending && !this.#sending) this.send();
  }

  // What the last picture is for is said in words, as in any chat.
  #words() {
    const text = this.#text.value.trim();
    const role = this.#attached.role;
    const asked = role === "style" ? t("roles.say_style") : role === "template" ? t("roles.say_template") : "";
    return text && asked ? `${asked}${t("roles.and")}${text}` : asked || text;
  }

  async #someAreGone() {
    const gone = await this.#attached.letGoOfGone();
    if (!gone.length) return false;
    this.#busy(false); // sending again would not mend it
    this.fail(t("error.file_gone", { name: gone.join(", ") }));
    return true;
  }

  // The message of this id has been taken, whether its answer arrived or its line was seen in the conversation.
  taken(id) {
    if (id !== this.#id || !this.#pending) return;
    this.#pending = false;
    this.#attached.clear();
    this.#text.value = "";
    this.settle();
    this.#busy(false);
    this.#sent(id);
  }

  // A photo left with what was painted on it, and with words of its own.
  #painted(id, file) {
    this.#attached.letGo(file);
    this.settle();
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
    this.#attached.draw();
    this.#tryouts.redraw();
    this.#show();
  }
}
