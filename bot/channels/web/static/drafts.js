// What is being written, kept on this device until it was sent: words, photos, and the name of a message on its way.
//
// Of several tabs one keeps it, the first: two that wrote to the same place would send each other's words.

const TEXT = "likeness.draft";
const STORE = "draft";

export class Drafts {
  #ours = false;
  #database = null;
  #waiting = null;

  // What was kept, or null, once this tab is the one that keeps it. Never an error: where storage is switched off, a
  // reload forgets.
  async load() {
    await held();
    this.#ours = true;
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

// When this tab keeps the draft: at once where no other does, else when the other has gone. As long as it lives.
function held() {
  if (!navigator.locks) return Promise.resolve();
  return new Promise((resolve) => {
    navigator.locks.request(TEXT, () => { resolve(); return new Promise(() => {}); }).catch(resolve);
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
