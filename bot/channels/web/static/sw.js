// Keeps the page's own files on the device, so that it opens without a network. Nothing else: no picture, no message,
// no answer of the server is ever kept here. The list of files and their version are put in by the server.

const FOLDER = "/static/v/";
const FILES = ["FILES"];
const PAGE = "/";
const NAME = `likeness ${FOLDER}`;
const PATIENCE = 4000; // milliseconds a page may take to come over a slow line before the kept one is shown

addEventListener("install", (event) => {
  event.waitUntil(kept().then(() => skipWaiting()));
});

async function kept() {
  const cache = await caches.open(NAME);
  await cache.addAll([PAGE, ...FILES]);
}

addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)))));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(request));
  else if (url.pathname.startsWith(FOLDER)) event.respondWith(file(request));
});

// The page as it is now; the kept one where it does not come.
async function page(request) {
  const kept = await caches.match(PAGE, { cacheName: NAME });
  if (!kept) return fetch(request);
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE));
  return Promise.race([fetch(request).then((answer) => (answer.ok ? answer : kept), () => kept), late]);
}

async function file(request) {
  return await caches.match(request, { cacheName: NAME, ignoreSearch: true }) ?? fetch(request);
}
