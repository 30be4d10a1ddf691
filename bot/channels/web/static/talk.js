// Talking to the server: reading the conversation, posting to it, and hearing what comes.

import { language, t } from "./words.js";

export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// The server's clock minus ours, in milliseconds: elapsed time is counted from the server's stamps. Its header tells
// whole seconds only, so a small difference is none.
export let skew = 0;

export async function conversation(cursor = 0) {
  const answer = await fetch(`/api/messages?cursor=${cursor}`, { headers: { "Accept-Language": language() } });
  const stamp = Date.parse(answer.headers.get("date") ?? "");
  if (stamp) skew = Math.abs(stamp - Date.now()) > 3000 ? stamp + 500 - Date.now() : 0;
  const body = await answer.json();
  if (!answer.ok) throw new Refusal(body.error.code, body.error.message);
  return body;
}

// Sends one message; resolves to its id. `rising` is told the part of it, 0 to 1, that has left.
export function post({ id, text = "", choice = null, photos = [], picture = null, mask = null, outpaint = "" }, rising = () => {}) {
  const form = new FormData();
  form.set("id", id);
  if (text) form.set("text", text);
  if (choice) form.set("choice", choice);
  if (picture) form.set("picture", picture);
  if (mask) form.set("mask", mask, "mask.png");
  if (outpaint) form.set("outpaint", outpaint);
  for (const photo of photos) form.append("photos", photo, photo.name || "photo");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how much of a large photo has left
    request.open("POST", "/api/messages");
    request.setRequestHeader("Accept-Language", language());
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && rising(event.loaded / event.total);
    request.onload = () => {
      const body = request.response;
      if (request.status === 202) resolve(body.id);
      else reject(new Refusal(body?.error?.code ?? "internal", body?.error?.message ?? t("failed.send")));
    };
    request.onerror = () => reject(new Refusal("network", t("failed.send")));
    request.send(form);
  });
}

export const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
};

// Hears the conversation from `cursor` on. Open while the page is to be seen: a browser allows only a few connections
// to one server, and many tabs would use them up. Hidden, it looks now and then as long as something is being made.
export class Ear {
  #source = null;
  #timer = 0;
  #failures = 0;
  #lost = 0;

  constructor({ cursor, heard, standing, gone, cleared, lost, working }) {
    Object.assign(this, { cursor, heard, standing, gone, cleared, lost, working });
    document.addEventListener("visibilitychange", () => this.listen());
    addEventListener("online", () => this.listen());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.listen());
  }

  listen() {
    this.#close();
    if (document.hidden) this.#timer = setTimeout(() => this.#glance(), 5000);
    else this.#open();
  }

  #open() {
    const source = new EventSource(`/api/events?cursor=${this.cursor}`);
    this.#source = source;
    source.addEventListener("open", (event) => {
      if (event.data === undefined) return; // the connection's own event of the same name
      this.#well();
      this.standing(JSON.parse(event.data).statuses);
    });
    source.onmessage = (event) => {
      this.cursor = Number(event.lastEventId);
      this.heard([JSON.parse(event.data)]);
    };
    source.addEventListener("gone", (event) => this.gone(JSON.parse(event.data).id));
    source.addEventListener("cleared", () => this.cleared());
    source.onerror = () => {
      source.close();
      this.#again();
    };
  }

  #again() {
    this.#failures += 1;
    this.#lost ||= setTimeout(() => this.lost(true), 2500);
    const pause = Math.min(30000, 500 * 2 ** Math.min(this.#failures, 6)) * (0.6 + 0.4 * Math.random());
    this.#timer = setTimeout(() => this.listen(), pause);
  }

  #well() {
    this.#failures = 0;
    clearTimeout(this.#lost);
    this.#lost = 0;
    this.lost(false);
  }

  async #glance() {
    if (this.working()) {
      try {
        const page = await conversation(this.cursor);
        this.cursor = page.cursor;
        this.heard(page.messages);
        this.standing(page.statuses);
      } catch {
        // the next glance, or the page being seen again, will tell
      }
    }
    if (document.hidden) this.#timer = setTimeout(() => this.#glance(), 5000);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
