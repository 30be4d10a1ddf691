// Likeness, the page: puts the conversation, the message box and the viewer together.

import { Composer } from "./composer.js";
import { $, make } from "./dom.js";
import { Ear } from "./ear.js";
import { Log } from "./log.js";
import { begun, keepShell, Menu, privacy } from "./menu.js";
import { Pictures } from "./pictures.js";
import { Shares } from "./shares.js";
import { Styles } from "./styles.js";
import { conversation } from "./talk.js";
import { Viewer } from "./viewer.js";
import * as words from "./words.js";

const { t } = words;
const room = $("room");
const EXAMPLES = 6;
const ANNOUNCE_PAUSE = 8000;

const composer = new Composer({ sent: () => toBottom(), said: (text) => announce(text), styles: () => styles.open(), paint: paintUnsent });
const shares = new Shares();
const viewer = new Viewer({ use: (picture) => { pictures.leave(); composer.use(picture); }, share: (picture) => shares.open(picture), paint });
const log = new Log($("log"), {
  open: (picture) => viewer.open(log.pictures, picture),
  use: (picture) => composer.use(picture),
  paint,
  choose,
});
const pictures = new Pictures({ view: (all, picture) => viewer.open(all, picture) });
const styles = new Styles({ photo: () => log.newestPhoto, tried: () => composer.tried, choose: wear });
new Menu({
  help: () => composer.say({ text: "/help" }),
  anew: async () => { beginning = true; beginning = await composer.say({ choice: "new" }) && beginning; },
  forget: () => composer.say({ text: "/forget" }),
});

// --- what people do

async function choose(choice, button) {
  const group = button.closest(".choices");
  if (group.getAttribute("aria-busy") === "true") return;
  group.setAttribute("aria-busy", "true");
  button.setAttribute("aria-pressed", "true");
  const taken = await composer.say({ choice: choice.id });
  group.removeAttribute("aria-busy");
  if (!taken) button.removeAttribute("aria-pressed");
}

async function paint(picture) {
  pictures.leave();
  await painted(({ paintOn }) => paintOn(picture, () => toBottom()));
}

function paintUnsent(file, url, sent) { return painted(({ paintOnFile }) => paintOnFile(file, url, sent)); }

async function painted(open) {
  try {
    await open(await import("./painting.js"));
  } catch {
    composer.fail(t("failed.load"), () => { composer.settle(); painted(open); });
  }
}

function example(text) {
  if (composer.attachedAnything) composer.sayWithAttached(text);
  else composer.say({ text });
}

// A style from the sheet: for what is attached, else for what was sent last.
function wear(style) {
  if (composer.attachedAnything) composer.sayWithAttached(style.name);
  else composer.say({ choice: `style:${style.key}` });
}

// --- where one is in the conversation

// While one reads the newest, what comes pulls the page along; while one reads back, it does not.
let following = true;

const atBottom = () => room.scrollHeight - room.scrollTop - room.clientHeight < 80;

function toBottom() {
  following = true;
  $("newest").hidden = true;
  if (!log.empty) room.scrollTop = room.scrollHeight;
}

// Only going up ends it: what grows below moves the bottom away from under a reader who is there.
let lastTop = 0;
room.addEventListener("scroll", () => {
  if (atBottom()) following = true;
  else if (room.scrollTop < lastTop) following = false;
  lastTop = room.scrollTop;
  if (following) $("newest").hidden = true;
}, { passive: true });
$("newest").onclick = () => { toBottom(); composer.focus(); };

const sizes = new ResizeObserver(() => { if (following) toBottom(); });
sizes.observe(room);
sizes.observe($("log"));

// --- what is heard

let announced = 0;

// Progress is said to a screen reader now and then, not at every step.
function announce(text, { now = true } = {}) {
  if (!now && Date.now() - announced < ANNOUNCE_PAUSE) return;
  announced = Date.now();
  $("announcer").textContent = text;
}

function heard(messages) {
  if (!messages.length) return;
  if (beginning && messages.some((message) => message.from === "bot" && message.kind === "text")) return beginAnew();
  const news = messages.some((message) => !log.has(message.id)); // a progress line that changes is none
  for (const message of messages) log.show(message);
  if (following) toBottom();
  else if (news) $("newest").hidden = false;
  for (const message of messages) {
    composer.taken(message.from === "person" ? message.id : "");
    if (message.kind === "status") announce(message.text, { now: false });
    else if (message.kind === "pictures" && message.from === "bot") {
      const n = message.pictures.length;
      announce(n === 1 ? t("message.arrived") : t("message.arrived_many", { n }));
    }
    if (document.hidden && message.from === "bot" && message.kind !== "status") document.title = `● ${t("page.title")}`;
  }
  welcome();
}

function welcome() {
  $("welcome").hidden = !log.empty;
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) document.title = t("page.title"); });

// --- the line to the server

let lost = false;

function banner() {
  const text = !navigator.onLine ? t("status.offline") : lost ? t("status.reconnecting") : "";
  $("banner").textContent = text;
  $("banner").hidden = !text;
}

addEventListener("online", banner);
addEventListener("offline", banner);

// --- language

function speak() {
  document.title = t("page.title");
  $("examples").replaceChildren(...Array.from({ length: EXAMPLES }, (_, n) => {
    const text = t(`welcome.example${n + 1}`);
    const button = make("button", "choice", { type: "button", lang: /[\u4e00-\u9fff]/.test(text) ? "zh-Hans" : "en" }, text);
    button.onclick = () => example(text);
    return make("li", "", {}, button);
  }));
  $("language").lang = words.language() === "zh" ? "en" : "zh-Hans";
  log.redraw();
  composer.redraw();
  banner();
  privacy();
}

$("language").onclick = () => {
  words.setLanguage(words.language() === "zh" ? "en" : "zh");
  speak();
};

let ear = null;
let beginning = false; // a new chat was asked for; its answer is the last line of the old one

function beginAnew() {
  beginning = false;
  begun(ear.cursor);
  log.clear();
  welcome();
  announce(t("status.new_chat"));
}

$("welcome-pick").onclick = () => composer.pick();

// --- begin

async function begin() {
  await words.load();
  speak();
  keepShell();
  composer.restore(); // what was written is there without the network, too
  const ready = () => {
    if (document.documentElement.dataset.ready) return;
    document.documentElement.dataset.ready = "true";
    if (matchMedia("(pointer: fine)").matches) composer.focus();
  };
  await joinAtLast(ready);
}

// The conversation: again and again until the server answers, for it may be the line that is away. `tried` is called
// after each attempt.
async function joinAtLast(tried) {
  for (let pause = 1000; ; pause = Math.min(30000, 2 * pause)) {
    try {
      await join();
      lost = false;
      banner();
      return tried();
    } catch (refusal) {
      welcome();
      tried();
      if (refusal.code !== "network") return composer.fail(refusal.message, () => { composer.settle(); joinAtLast(tried); });
      lost = true;
      banner();
      await back(pause);
    }
  }
}

async function join() {
  $("log").setAttribute("aria-busy", "true"); // what was said before is not read out again
  const page = await conversation(begun());
  for (const message of page.messages) log.show(message, { fresh: false });
  welcome();
  toBottom();
  requestAnimationFrame(() => $("log").removeAttribute("aria-busy"));
  ear = new Ear({
    cursor: page.cursor,
    heard,
    standing: (ids) => log.keepStatuses(ids),
    gone: (id) => log.remove(id),
    cleared: () => { begun(null); log.clear(); composer.forget(); welcome(); announce(t("status.cleared")); },
    lost: (is) => { lost = is; banner(); if (!is) composer.lineIsBack(); },
    working: () => log.working,
  });
  ear.listen();
}

// Until the browser says that the network is back, or so many milliseconds.
const back = (pause) => new Promise((resolve) => {
  const timer = setTimeout(resolve, pause);
  addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
});

async function beginAndMend() {
  try {
    await begin();
  } catch (error) {
    composer.fail(error.message || t("failed.load"), () => { composer.settle(); beginAndMend(); });
  }
}

beginAndMend();
