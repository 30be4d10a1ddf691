// The painter on the page: opened on a picture of the conversation, sent as a message about it. Loaded when first used.

import { whole } from "./dom.js";
import { loadWords, Painter } from "./painter.js";
import { newId, post } from "./talk.js";
import { language, t } from "./words.js";

const STYLE = new URL("./painter.css", import.meta.url).pathname;
let painter = null;
let spoken = null;

async function ready() {
  if (!document.querySelector(`link[href="${STYLE}"]`)) {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: STYLE });
    const loaded = new Promise((resolve, reject) => Object.assign(link, { onload: resolve, onerror: () => reject(new Error(t("failed.load"))) }));
    document.head.append(link);
    await loaded;
  }
  await loadWords();
  if (spoken !== language()) {
    painter?.dialog.remove();
    spoken = language();
    painter = new Painter({ language: spoken });
  }
}

// `sent(id)` is called once the message was taken.
export async function paintOn(picture, sent) {
  await ready();
  await open({ src: whole(picture), width: picture.width, height: picture.height }, { picture: picture.url }, sent);
}

// On a photo that was not sent: it leaves with what is painted on it. `url` shows it.
export async function paintOnFile(file, url, sent) {
  await ready();
  const shown = Object.assign(new Image(), { src: url });
  await shown.decode();
  await open({ src: url, width: shown.naturalWidth, height: shown.naturalHeight }, { photos: [file] }, sent);
}

function open(shown, about, sent) {
  const id = newId(); // kept for its repeats: what was taken already is not begun a second time
  return painter.open(shown, async ({ mask, outpaint, text }) => {
    await post({ id, text, mask, outpaint, ...about });
    sent(id);
  });
}
