// What the microphone hears now, each second.

import { capture } from "./sound.js";
import { make } from "./timeline.js";

const EVERY_SECONDS = 1;

// which: gives the engine's view that is shown; limit: the threshold of one of its labels, as it is chosen now.
export const openLive = (engine, labels, { which, limit }, status) => {
  const byId = (id) => document.getElementById(id);
  const button = byId("live"), meters = new Map();
  let heard = null, timer = null;
  if (!navigator.mediaDevices || !window.AudioWorkletNode) button.hidden = true;
  for (const { label, name, kind, tentative } of labels) {
    const row = make("li", `${kind}${tentative ? " tentative" : ""}`), meter = make("span", "meter"), fill = make("b"), mark = make("u");
    meter.setAttribute("aria-hidden", "true");
    meter.append(fill, mark);
    row.append(make("span", "", name), meter);
    byId("live-meters").append(row);
    meters.set(label, { row, fill, mark });
  }

  const stop = () => {
    clearTimeout(timer);
    heard?.stop();
    heard = null;
    byId("live-panel").hidden = true;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Live";
  };

  const listen = async () => {
    const began = performance.now(), samples = heard.latest(), view = which();
    try {
      const scores = samples.length ? await engine.hear(samples, heard.rate, view) : null;
      if (!heard) return;
      const plays = [];
      engine.views[view].labels.forEach((one, i) => {
        const { row, fill, mark } = meters.get(one.label), score = scores?.[i] ?? 0, threshold = limit(one);
        fill.style.width = `${100 * score}%`;
        mark.style.left = `${100 * threshold}%`;
        row.classList.toggle("on", score >= threshold);
        if (score >= threshold) plays.push(one.name);
      });
      const text = plays.join(", ") || "nothing";
      if (byId("live-now").textContent !== text) byId("live-now").textContent = text;
      status("");
    } catch (error) {
      status(error.message);
    }
    if (heard) timer = setTimeout(listen, Math.max(0, 1000 * EVERY_SECONDS - (performance.now() - began)));
  };

  button.addEventListener("click", async () => {
    if (heard) {
      stop();
      return;
    }
    try {
      heard = await capture(engine.model.window_seconds);
    } catch (error) {
      status(`The microphone cannot be used: ${error.message}`);
      return;
    }
    byId("live-panel").hidden = false;
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
    listen();
  });
};
