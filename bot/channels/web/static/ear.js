import { conversation } from "./talk.js";

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
