// The model on the server: recordings are sent to the API that this page came from.

import { received } from "./recognition.js";
import { wav } from "./sound.js";

const BUSY_TRIES = 60;
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// askToken: called when the server wants a token; gives one, or null.
export const openEngine = async (askToken) => {
  let token = sessionStorage.getItem("organology-token");
  const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});

  const call = async (path, options = {}) => {
    const answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
    if (answer.status === 401 && (token = await askToken())) {
      sessionStorage.setItem("organology-token", token);
      return call(path, options);
    }
    if (answer.ok) return answer;
    const { error } = await answer.json().catch(() => ({ error: `the server answers ${answer.status}` }));
    throw Object.assign(new Error(error), { status: answer.status, retryAfter: Number(answer.headers.get("Retry-After")) });
  };

  const { limits, ...model } = await (await call("v1/model")).json();
  const labelsOf = async (query) => (await call(`v1/labels${query}`)).json();
  const views = [await labelsOf("")];  // and, where the model has tentative labels, with them
  if (model.tentative.length) views.push(await labelsOf("?labels=all"));
  const named = (view) => (view ? { labels: "all" } : {});

  // fetch cannot tell how much of a body is sent.
  const send = (file, query, progress, signal) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `v1/recognitions?${query}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total, "sending"));
    request.addEventListener("error", () => reject(new Error("the server cannot be reached")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else {
        const retryAfter = Number(request.getResponseHeader("Retry-After"));
        const error = new Error(request.response?.error ?? `the server answers ${request.status}`);
        reject(Object.assign(error, { status: request.status, retryAfter }));
      }
    });
    signal.addEventListener("abort", () => {
      request.abort();
      reject(signal.reason);
    });
    request.send(file);
  });

  const admitted = async (file, query, progress, signal) => {
    for (let i = 0; ; i += 1) {
      try {
        return await send(file, query, progress, signal);
      } catch (error) {
        if (error.status !== 429 || i >= BUSY_TRIES) throw error;
        progress(0, "waiting for the server");
        await pause(error.retryAfter || 1);
      }
    }
  };

  // Server-sent events, read by fetch because EventSource sends no token.
  const follow = async (place, progress, signal) => {
    const reader = (await call(`${place}/events`, { signal })).body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (!data) continue;
        const job = JSON.parse(data.slice(6));
        progress(job.progress, job.state === "queued" ? "waiting" : "recognizing");
      }
    }
  };

  return {
    model, views, limits, hasLibrary: model.library,

    async recognize(file, { view, progress, signal }) {
      if (file.size > limits.upload_bytes) throw new Error(`larger than the ${Math.round(limits.upload_bytes / 1e6)} MB that this server takes`);
      const query = new URLSearchParams({ name: file.name, wait: 0, timeline: true, ...named(view) });
      const { id } = await admitted(file, query, progress, signal);
      const place = `v1/recognitions/${id}`;
      const forget = () => call(place, { method: "DELETE" }).catch(() => {});
      signal.addEventListener("abort", forget);
      try {
        for (;;) {
          await follow(place, progress, signal);
          const answer = await call(`${place}?timeline=true`, { headers: { Accept: "application/json" }, signal });
          if (answer.status === 200) return received(await answer.json());
        }
      } finally {
        signal.removeEventListener("abort", forget);
        if (!signal.aborted) forget();
      }
    },

    // Scores of a few seconds of samples.
    async hear(samples, rate, view) {
      const query = new URLSearchParams({ hop: model.window_seconds, timeline: true, ...named(view) });
      const answer = await call(`v1/recognitions?${query}`, { method: "POST", body: wav(samples, rate) });
      return answer.status === 200 ? (await answer.json()).windows[0].scores : null;
    },

    async find(query) {
      return (await call(`v1/find?${new URLSearchParams({ q: query, limit: 200 })}`)).json();
    },

    async stored(id) {
      const answer = await call(`v1/recordings/${id}?timeline=true`, { headers: { Accept: "application/json" } });
      return received(await answer.json());
    },
  };
};
