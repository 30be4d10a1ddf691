// Talking to the server: reading the conversation and posting to it. Hearing what comes is ear.js.

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

// JSON of one of our own addresses. A Refusal where it is refused, of code "network" where nothing answers.
export async function ask(path, options = {}) {
  const headers = { "Accept-Language": language(), ...options.headers };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Refusal("network", t("failed.load"));
  }
  const stamp = Date.parse(answer.headers.get("date") ?? "");
  if (stamp) skew = Math.abs(stamp - Date.now()) > 3000 ? stamp + 500 - Date.now() : 0;
  const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(body.error?.code ?? "internal", body.error?.message ?? t("failed.load"));
  return body;
}

// A browser that lost its cookie while the page lay in its cache gets one by asking for the page itself.
export async function conversation(cursor = 0) {
  const path = `/api/messages?cursor=${cursor}`;
  try {
    return await ask(path);
  } catch (refusal) {
    if (refusal.code !== "no_session") throw refusal;
    await fetch("/", { cache: "no-store" });
    return ask(path);
  }
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
