// The menu: help, a new beginning, the look of the page, installing it, forgetting; and what the page keeps of itself.

import { $ } from "./dom.js";
import { apply, t } from "./words.js";

const BEGUN = "likeness.begun"; // from where on the conversation is shown; what is before is kept and can be shown
const LOOK = "likeness.look";
const PAPER = { light: "#f5f2ec", dark: "#151311" }; // as in theme.css

// Reads, writes (a value) or removes (null) what this browser keeps; null where it keeps nothing.
function kept(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else if (value !== undefined) localStorage.setItem(key, String(value));
    return localStorage.getItem(key);
  } catch {
    return null; // then it lasts until the page is closed
  }
}

export const begun = (value) => Number(kept(BEGUN, value)) || 0;

export class Menu {
  #more = $("more");
  #install = null;

  // `help()`, `anew()`, `forget()`: what its buttons ask for.
  constructor({ help, anew, forget }) {
    this.#on("more-help", help);
    this.#on("more-new", anew);
    this.#on("more-delete", forget);
    this.#on("more-shares", () => {});
    this.#on("more-earlier", () => { begun(null); location.reload(); });
    this.#on("more-install", () => { this.#install?.prompt(); this.#installable(null); });
    this.#more.ontoggle = () => { $("more-earlier").hidden = !begun(); };
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#more.open) { this.#more.open = false; this.#more.querySelector("summary").focus(); }
    });
    addEventListener("click", (event) => { if (!this.#more.contains(event.target)) this.#more.open = false; });
    addEventListener("beforeinstallprompt", (event) => { event.preventDefault(); this.#installable(event); });
    addEventListener("appinstalled", () => this.#installable(null));
    this.#looks();
  }

  #on(id, act) {
    $(id).addEventListener("click", () => { this.#more.open = false; act(); });
  }

  #installable(prompt) {
    this.#install = prompt;
    $("more-install").hidden = prompt === null;
  }

  #looks() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const root = document.documentElement;
    const paint = () => {
      const look = root.dataset.theme ?? (dark.matches ? "dark" : "light");
      document.querySelector("meta[name=theme-color]").content = PAPER[look];
    };
    const chosen = root.dataset.theme ?? "auto";
    $("looks").querySelector(`[value="${chosen}"]`).checked = true;
    $("looks").onchange = (event) => {
      const look = event.target.value;
      kept(LOOK, look === "auto" ? null : look);
      if (look === "auto") delete root.dataset.theme;
      else root.dataset.theme = look;
      paint();
    };
    dark.addEventListener("change", paint);
    paint();
  }
}

// The line under the welcome: how long things are kept, and where photos go.
export async function privacy() {
  try {
    const { kept_days: days, companies } = await (await fetch("/api/about")).json();
    const where = companies.length ? t("welcome.kept_sent", { companies: companies.join(", ") }) : t("welcome.kept_here");
    $("kept").textContent = `${t("welcome.kept", { days })} ${where}`;
  } catch {
    $("kept").textContent = ""; // the line is one of several; without the server nothing else works either
  }
  apply($("welcome"));
}

// The page's own files are kept on this device, so that it opens without a network; nothing of a conversation is.
export function keepShell() {
  if (!("serviceWorker" in navigator)) return; // only where the page is https, or on this machine
  navigator.serviceWorker.register("/sw.js").catch(() => {
    // switched off, or a private window: then the page needs the network to open
  });
}
