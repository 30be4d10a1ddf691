// What is being written, kept on this device until it was sent: words, photos, and the name of a message on its way.
//
// Of several tabs one keeps it, the first: two that wrote to the same place would send each other's words.

const TEXT = "likeness.draft";
const STORE = "draft";

export class Drafts {
  #ours = false;
  #database = null;
  #waiting = null;

  // What was kept, or null. Never an error: where storage is switched off, a reload forgets.
  async load() {
    this.#ours = await held();
    if (!this.#ours) return null;
    const kept = await this.#do("readonly", (store) => store.get("now"));
    const text = remembered() ?? kept?.text ?? "";
    if (!text && !kept) return null;
    return { photos: [], quote: null, role: "photo", id: null, pending: false, ...kept, text };
  }

  // Words at once; the rest when this turn of the page is over, in one piece.
  save(draft) {
    if (!this.#ours) return;
    remember(draft.text);
    if (this.#waiting === null) queueMicrotask(() => this.#write());
    this.#waiting = draft;
  }

  clear() { this.save({ text: "", photos: [], quote: null, role: "photo", id: null, pending: false }); }

  #write() {
    const draft = this.#waiting;
    this.#waiting = null;
    const empty = !draft.text && !draft.photos.length && !draft.quote;
    this.#do("readwrite", (store) => (empty ? store.delete("now") : store.put(draft, "now")));
  }

  async #do(mode, act) {
    try {
      this.#database ??= opened();
      const store = (await this.#database).transaction(STORE, mode).objectStore(STORE);
      return await settled(act(store));
    } catch {
      return null; // a private window, a full disk: the page works without
    }
  }
}

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function opened() {
  const request = indexedDB.open("likeness", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

// Whether this tab keeps the draft, as long as it lives. After a reload the page before has yet to let go.
function held() {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const forEver = new Promise(() => {});
    navigator.locks.request(TEXT, { signal: AbortSignal.timeout(700) }, () => { resolve(true); return forEver; })
      .catch(() => resolve(false));
  });
}

function remember(text) {
  try {
    if (text) localStorage.setItem(TEXT, text);
    else localStorage.removeItem(TEXT);
  } catch {
    // then the words are only in the database
  }
}

function remembered() {
  try {
    return localStorage.getItem(TEXT);
  } catch {
    return null;
  }
}
