// The page's words. They lie in words.json, both languages; the page speaks the browser's until told otherwise.

const KEY = "likeness.language";
let all = { en: {}, zh: {} };
let now = "en";

export async function load() {
  const answer = await fetch(new URL("./words.json", import.meta.url));
  if (!answer.ok) throw new Error("words");
  all = await answer.json();
  now = remembered() ?? wished();
  apply();
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept in all ? kept : null;
  } catch {
    return null; // storage may be switched off
  }
}

function wished() {
  for (const tag of navigator.languages ?? [navigator.language]) {
    const language = tag.toLowerCase().split("-")[0];
    if (language in all) return language;
  }
  return "en";
}

export const language = () => now;

export function setLanguage(next) {
  now = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // then it lasts until the page is closed
  }
  apply();
}

export function t(key, params = {}) {
  const text = all[now][key] ?? all.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
}

// data-t: text; data-t-label: accessible name; data-t-title: tooltip; data-t-placeholder: placeholder.
export function apply(root = document) {
  if (root === document) document.documentElement.lang = now === "zh" ? "zh-Hans" : "en";
  for (const [name, set] of Object.entries(PLACES)) {
    for (const element of root.querySelectorAll(`[data-${name}]`)) set(element, t(element.getAttribute(`data-${name}`)));
  }
}

const PLACES = {
  "t": (element, text) => { element.textContent = text; },
  "t-label": (element, text) => element.setAttribute("aria-label", text),
  "t-title": (element, text) => { element.title = text; },
  "t-placeholder": (element, text) => { element.placeholder = text; },
};

const LOCALE = { en: "en-GB", zh: "zh-CN" };

// Quiet time: the hour today, the day and hour before that.
export function when(date) {
  const today = new Date().toDateString() === date.toDateString();
  const day = today ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(LOCALE[now], { ...day, hour: "2-digit", minute: "2-digit", hour12: false }).format(date);
}

// The name of a day, for headings.
export function day(date) {
  return new Intl.DateTimeFormat(LOCALE[now], { weekday: "long", month: "long", day: "numeric" }).format(date);
}
