// The model in this browser: nothing is sent anywhere. onnxruntime-web runs in a worker; WebAudio decodes.

import { fromWindows } from "./recognition.js";
import { decoded, level } from "./sound.js";

const HOP_SECONDS = 1, BATCH = 4, SILENCE_DBFS = -70;

export const openEngine = async () => {
  const { labels, ...model } = await (await fetch("page/model.json")).json();
  const frames = Math.round(model.window_seconds * model.sample_rate);
  const hop = Math.round(HOP_SECONDS * model.sample_rate);
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const parents = labels.map((one) => labels.findIndex((other) => other.label === one.parent));
  const waiting = new Map();
  let last = 0;
  worker.addEventListener("message", ({ data }) => {
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) reject(new Error(data.error));
    else resolve(data.result);
  });
  worker.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Error("the model cannot be loaded"));
    waiting.clear();
  });

  const ask = (task, asked, ...moved) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject });
    worker.postMessage({ id: last, task, ...asked }, moved);
  });

  // [start, end) of every window, in samples; the last one ends with the sound.
  const places = (total) => {
    if (total < frames) return [[0, total]];
    const found = [];
    for (let start = 0; start + frames <= total; start += hop) found.push([start, start + frames]);
    if (found[found.length - 1][1] < total) found.push([total - frames, total]);
    return found;
  };

  const scored = async (samples, places_, progress, signal) => {
    const results = [];
    for (let i = 0; i < places_.length; i += BATCH) {
      signal?.throwIfAborted();
      const batch = places_.slice(i, i + BATCH);
      const sounding = batch.filter(([start, end]) => level(samples.subarray(start, end)) >= SILENCE_DBFS);
      const joined = new Float32Array(frames * sounding.length);
      sounding.forEach(([start, end], k) => {
        for (let at = 0; at < frames; at += end - start) {  // a short recording is repeated
          joined.set(samples.subarray(start, Math.min(end, start + frames - at)), k * frames + at);
        }
      });
      const scores = sounding.length ? await ask("score", { windows: joined, frames, parents }, joined.buffer) : [];
      for (const place of batch) {
        const k = sounding.indexOf(place);
        results.push({ sounds: k >= 0, scores: k >= 0 ? scores[k] : labels.map(() => 0) });
      }
      progress?.(Math.min(1, (i + BATCH) / places_.length), "recognizing");
    }
    return results;
  };

  return {
    model, labels, hasLibrary: false,

    async recognize(file, { progress, signal }) {
      progress(0, "decoding");
      const { samples: own, rate, duration } = await decoded(await file.arrayBuffer(), model.sample_rate);
      const samples = await ask("resample", { samples: own, from: rate, to: model.sample_rate }, own.buffer);
      const where = places(samples.length);
      const results = await scored(samples, where, progress, signal);
      const windows = where.map(([start, end], i) => ({
        start: start / model.sample_rate,
        end: i === where.length - 1 ? duration : Math.min(end / model.sample_rate, duration),
        ...results[i],
      }));
      return fromWindows({ name: file.name, duration, windows, model, labels, hopSeconds: HOP_SECONDS });
    },

    async hear(samples, rate) {
      const there = await ask("resample", { samples, from: rate, to: model.sample_rate });
      const [one] = await scored(there, [[Math.max(0, there.length - frames), there.length]]);
      return one.scores;
    },
  };
};
