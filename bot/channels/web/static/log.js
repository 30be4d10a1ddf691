// The conversation as elements: words, frames of film that were sent, prints that came back, choices, progress.

import { blank, icon, make, smaller } from "./dom.js";
import { skew } from "./talk.js";
import { t, when } from "./words.js";

const PAUSE = 10 * 60 * 1000;

export class Log {
  #element;
  #messages = new Map();
  #do;

  // `actions`: open(pictures, index), use(picture), paint(picture), choose(choice, button)
  constructor(element, actions) {
    this.#element = element;
    this.#do = actions;
    setInterval(() => this.#tick(), 1000);
  }

  get empty() { return this.#messages.size === 0; }
  get working() { return this.#statuses().some((message) => !isStill(message)); }
  has(id) { return this.#messages.has(id); }

  // Every picture that can be looked at, oldest first.
  get pictures() {
    return [...this.#messages.values()].flatMap((m) => m.pictures
      .map((picture, index) => ({ picture, index, result: m.from === "bot", job: m.job })).filter(({ picture }) => picture.width));
  }

  // The first photo of the person's newest message with photos, where it can be looked at.
  get newestPhoto() {
    const sent = [...this.#messages.values()].filter((m) => m.from === "person").map((m) => m.pictures.filter((p) => p.width));
    return sent.filter((photos) => photos.length).at(-1)?.[0] ?? null;
  }

  show(message, { fresh = true } = {}) {
    const before = this.#node(message.id);
    this.#messages.set(message.id, message);
    if (before && message.kind === "status" && this.#renew(before, message)) return;
    const node = this.#draw(message);
    if (before) {
      const focused = before.contains(document.activeElement);
      before.replaceWith(node);
      if (focused) node.querySelector("button, a")?.focus();
    } else {
      node.classList.toggle("fresh", fresh);
      this.#element.append(node);
    }
    this.#arrange();
  }

  // A progress line changes in place: a button under a finger stays the same button.
  #renew(node, message) {
    const offered = [...node.querySelectorAll(".choice")].map((button) => button.dataset.choice).join("\n");
    if (!node.classList.contains("status") || offered !== message.choices.map((c) => c.id).join("\n")) return false;
    node.querySelector(".words").textContent = message.text || t("message.working");
    measure(node, message);
    develop(node.querySelector(".status-box"), message);
    return true;
  }

  remove(id) {
    this.#messages.delete(id);
    this.#node(id)?.remove();
    this.#arrange();
  }

  keepStatuses(ids) {
    const standing = new Set(ids);
    for (const message of this.#statuses()) if (!standing.has(message.id)) this.remove(message.id);
  }

  clear() {
    this.#messages.clear();
    this.#element.replaceChildren();
  }

  redraw() {
    const kept = [...this.#messages.values()];
    this.clear();
    for (const message of kept) this.show(message, { fresh: false });
  }

  #statuses() { return [...this.#messages.values()].filter((m) => m.kind === "status"); }
  #node(id) { return [...this.#element.children].find((node) => node.dataset.id === id); }

  // Times between pauses, who begins a turn, and which choices are past.
  #arrange() {
    for (const node of this.#element.querySelectorAll(".when")) node.remove();
    const nodes = [...this.#element.children];
    const lastPerson = nodes.findLastIndex((node) => node.classList.contains("person"));
    let last = null;
    nodes.forEach((node, index) => {
      const message = this.#messages.get(node.dataset.id);
      const at = new Date(message.since ?? message.at);
      if (!last || at - last.at > PAUSE) {
        node.before(make("time", "when", { datetime: at.toISOString() }, when(at)));
      }
      node.classList.toggle("turn", Boolean(last) && last.from !== message.from);
      node.classList.toggle("past", index < lastPerson);
      last = { at, from: message.from };
    });
  }

  #draw(message) {
    const person = message.from === "person";
    const node = make("article", `message ${person ? "person" : "bot"} ${message.kind}`, { "data-id": message.id });
    node.append(make("span", "unseen", {}, t(person ? "message.you" : "message.bot")));
    if (message.kind === "status") {
      node.setAttribute("aria-live", "off"); // the announcer says it, at its own pace
      node.append(this.#status(message));
      if (message.choices.length) node.firstElementChild.nextElementSibling.append(this.#choices(message));
      return node;
    }
    const pictures = message.pictures.length ? [person ? this.#frames(message) : this.#prints(message)] : [];
    const words = message.text ? [make("p", "words", { lang: message.language === "zh" ? "zh-Hans" : "en", dir: "auto" }, message.text)] : [];
    node.append(...(person ? [...pictures, ...words] : [...words, ...pictures]));
    if (message.choices.length) node.append(this.#choices(message));
    return node;
  }

  #frames({ pictures }) {
    const frames = pictures.map((picture, index) => {
      const names = { n: index + 1, total: pictures.length };
      if (!picture.width) return make("div", "frame", { "data-n": index + 1 }, blank(t("message.unreadable")));
      const frame = make("button", "frame", { "type": "button", "data-n": index + 1, "aria-label": t("message.sent_photo", names) });
      frame.append(image(picture, 320, { height: 104 }));
      frame.onclick = () => this.#do.open(picture);
      return frame;
    });
    return make("div", "frames", {}, ...frames);
  }

  #prints({ pictures }) {
    const count = pictures.length;
    const size = count === 1 ? 1280 : 640;
    const prints = pictures.map((picture, index) => {
      const n = index + 1;
      const figure = make("figure", "print");
      // Its place is kept before its pixels are there.
      figure.style.setProperty("--ratio", String(picture.width / picture.height));
      figure.style.setProperty("--width", `${picture.width}px`);
      const open = make("button", "print-open", {
        "type": "button",
        "aria-label": t("message.open_label", { n, total: count, w: picture.width, h: picture.height }),
      });
      open.append(image(picture, size));
      open.onclick = () => this.#do.open(picture);
      const save = make("a", "quiet save", { "href": `${picture.url}?download=1`, "download": "", "aria-label": t("message.save_label", { n }), "title": t("message.save") }, icon("save"), make("span", "", {}, t("message.save")));
      const use = make("button", "quiet use", { "type": "button", "aria-label": t("message.use_label", { n }), "title": t("message.use") }, icon("use"), make("span", "", {}, t("message.use")));
      use.onclick = () => this.#do.use(picture);
      const paint = make("button", "quiet paint", { "type": "button", "aria-label": t("message.paint_label", { n }), "title": t("message.paint") }, icon("paint"), make("span", "", {}, t("message.paint")));
      paint.onclick = () => this.#do.paint(picture);
      const caption = make("figcaption", "", {}, ...(count > 1 ? [make("span", "n", { "aria-hidden": "true" }, String(n))] : []), save, use, paint);
      figure.append(open, caption);
      return figure;
    });
    return make("div", `prints ${["", "one", "two"][count] ?? ""}`, {}, ...prints);
  }

  #choices({ kind, choices }) {
    const group = make("div", "choices", { "role": "group", "aria-label": t("message.choices") });
    choices.forEach((choice, index) => {
      const button = make("button", "choice", { "type": "button", "data-choice": choice.id });
      // A number answers a question; under a result there is no question.
      if (kind === "choices" && choices.length > 1) button.append(make("span", "n", { "aria-hidden": "true" }, String(index + 1)));
      button.append(choice.label);
      button.onclick = () => this.#do.choose(choice, button);
      group.append(button);
    });
    return group;
  }

  #status(message) {
    const box = make("div", "status-box", {},
      make("span", "tray", { "aria-hidden": "true" }, make("i")),
      make("p", "words", { lang: message.language === "zh" ? "zh-Hans" : "en" }, message.text || t("message.working")),
      make("span", "bath", { "aria-hidden": "true" }, make("i")));
    measure(box, message);
    develop(box, message);
    return box;
  }

  #tick() {
    for (const message of this.#statuses()) {
      const node = this.#node(message.id);
      if (node) measure(node, message);
    }
  }
}

// A status nobody has renewed for so long is not being worked on any more, whatever it says.
const isStill = (message) => Date.now() + skew - Date.parse(message.at) > 30 * 60 * 1000;

function measure(node, message) {
  const box = node.classList.contains("status-box") ? node : node.querySelector(".status-box");
  box.classList.toggle("still", isStill(message));
  const bath = box.querySelector(".bath");
  bath.classList.toggle("unknown", !message.expected);
  if (!message.expected) return;
  if (message.done !== null && message.done !== undefined) { // told: the bar says what the words say
    bath.style.setProperty("--done", String(message.done));
    return;
  }
  const seconds = Math.max(0, (Date.now() + skew - Date.parse(message.since)) / 1000);
  // It nears the end without reaching it: an expectation is not a promise.
  bath.style.setProperty("--done", String(1 - Math.exp((-1.6 * seconds) / message.expected)));
}

// What there is of the picture so far, in the tray's place: each is loaded before it covers the one before.
function develop(box, { step }) {
  if (!step || box.dataset.step === step) return;
  box.dataset.step = step;
  const img = make("img", "", { src: step, alt: t("status.step_alt"), decoding: "async" });
  img.onload = () => {
    if (box.dataset.step !== step) return; // a newer one is on its way
    let figure = box.querySelector(".step");
    if (!figure) {
      figure = make("figure", "step", {}, make("div", "step-paper"), make("figcaption", "", {}, t("status.step")));
      box.querySelector(".tray").replaceWith(figure);
      box.classList.add("developing");
    }
    figure.style.setProperty("--ratio", String(img.naturalWidth / img.naturalHeight));
    const paper = figure.firstElementChild;
    const before = [...paper.children];
    paper.append(img);
    const over = () => { for (const old of before) old.remove(); };
    if (before.length && img.getAnimations().length) img.onanimationend = over;
    else over();
  };
}

function image(picture, side, box = {}) {
  const size = box.height ? { height: box.height, width: Math.round((picture.width / picture.height) * box.height) } : picture;
  const img = make("img", "", { src: smaller(picture, side), width: size.width, height: size.height, alt: "", decoding: "async" });
  img.onerror = () => img.replaceWith(blank(t("message.unreadable")));
  return img;
}
