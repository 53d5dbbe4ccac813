// Keeps every file of the page in this browser, so that it works without a network after the first load.
const VERSION = "$digest", FILES = $files;

addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(VERSION)).addAll(FILES.map((name) => new Request(name, { cache: "reload" })));
  await skipWaiting();
})()));

addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== VERSION) await caches.delete(name);
  await clients.claim();
})()));

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith((async () => (await caches.match(event.request, { ignoreSearch: true })) ?? fetch(event.request))());
});
