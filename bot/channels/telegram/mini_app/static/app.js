// The painter as a Mini App. Telegram's own script is not loaded: what it would read stands in the address, and what it
// would say is said by the same three ways (a view's proxy, `external.notify`, the frame around).

import { loadWords, Painter } from "./painter.js";

const launched = new URLSearchParams(location.hash.slice(1));
const initData = launched.get("tgWebAppData") ?? "";
const ticket = new URLSearchParams(location.search).get("t") ?? "";
const HERE = "/telegram/painter";
const TELEGRAM = /^https:\/\/([a-z0-9-]+\.)*telegram\.org$/;

function tell(type, data = {}) {
  if (window.TelegramWebviewProxy) window.TelegramWebviewProxy.postEvent(type, JSON.stringify(data));
  else if (window.external && "notify" in window.external) window.external.notify(JSON.stringify({ eventType: type, eventData: data }));
  else if (parent !== window) {
    const around = document.referrer ? new URL(document.referrer).origin : "https://web.telegram.org";
    parent.postMessage(JSON.stringify({ eventType: type, eventData: data }), TELEGRAM.test(around) ? around : "https://web.telegram.org");
  }
}

function guessed() {
  try {
    return JSON.parse(new URLSearchParams(initData).get("user") ?? "{}").language_code?.startsWith("zh") ? "zh" : "en";
  } catch {
    return "en";
  }
}

// By the client's background, where it says which.
function scheme() {
  try {
    const colour = JSON.parse(launched.get("tgWebAppThemeParams") ?? "{}").bg_color ?? "";
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return Number.isNaN(red + green + blue) ? null : 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
  } catch {
    return null;
  }
}

let language = guessed();
const words = await (await fetch(`${HERE}/app.json`)).json();
const say = (key) => words[language][key] ?? words[language].other;

async function asked(what, body) {
  const answer = await fetch(`${HERE}/${what}`, { method: "POST", body: JSON.stringify({ init_data: initData, ticket, ...body }) }).catch(() => null);
  if (answer?.ok) return answer.json();
  throw new Error(say(String(answer?.status ?? "other")));
}

const base64 = async (blob) => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
};

async function begin() {
  tell("web_app_ready");
  tell("web_app_expand");
  const picture = await asked("open");
  language = picture.language;
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  await loadWords();
  const painter = new Painter({ language, scheme: scheme() });
  const id = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(12)))).replaceAll("+", "-").replaceAll("/", "_");
  painter.dialog.addEventListener("close", () => tell("web_app_close"));
  await painter.open({ src: picture.photo, width: picture.width, height: picture.height }, async ({ mask, outpaint, text }) => {
    await asked("send", { id, text, outpaint, mask: mask ? await base64(mask) : "" });
    document.getElementById("told").textContent = say("sent");
  });
  document.documentElement.dataset.ready = "true";
}

begin().catch((refusal) => { document.getElementById("told").textContent = refusal.message; });
