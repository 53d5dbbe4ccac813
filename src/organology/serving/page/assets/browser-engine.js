// The model in this browser: nothing is sent anywhere. onnxruntime-web runs in a worker; WebAudio decodes.

import { levelsOf } from "./frames.js";
import { fromScores, viewedScores } from "./recognition.js";
import { decoded, level } from "./sound.js";

const BATCH = 4, SILENCE_DBFS = -70;

export const openEngine = async () => {
  const { views, ...model } = await (await fetch("page/model.json")).json();
  const nSamples = Math.round(model.window_seconds * model.sample_rate);
  const hop = Math.round(model.hop_seconds * model.sample_rate);
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const heard = new WeakMap();  // all scores of a file: its other view needs no second run
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
    if (total < nSamples) return [[0, total]];
    const found = [];
    for (let start = 0; start + nSamples <= total; start += hop) found.push([start, start + nSamples]);
    if (found[found.length - 1][1] < total) found.push([total - nSamples, total]);
    return found;
  };

  const scored = async (samples, places_, progress, signal) => {
    const results = [];
    for (let i = 0; i < places_.length; i += BATCH) {
      signal?.throwIfAborted();
      const batch = places_.slice(i, i + BATCH);
      const sounding = batch.filter(([start, end]) => level(samples.subarray(start, end)) >= SILENCE_DBFS);
      const joined = new Float32Array(nSamples * sounding.length);
      sounding.forEach(([start, end], k) => {
        for (let at = 0; at < nSamples; at += end - start) {  // a short recording is repeated
          joined.set(samples.subarray(start, Math.min(end, start + nSamples - at)), k * nSamples + at);
        }
      });
      const { scores, frames } = sounding.length ? await ask("score", { windows: joined, nSamples }, joined.buffer) : {};
      const part = (values, k) => {
        const size = values.length / sounding.length;
        return values.slice(k * size, (k + 1) * size);
      };
      for (const place of batch) {
        const k = sounding.indexOf(place);
        results.push({ place, scores: k < 0 ? null : part(scores, k), frames: k < 0 || !frames ? null : part(frames, k) });
      }
      progress?.(Math.min(1, (i + BATCH) / places_.length), "recognizing");
    }
    return results;
  };

  const hearFile = async (file, progress, signal) => {
    progress(0, "decoding");
    const { samples: own, rate, duration } = await decoded(await file.arrayBuffer(), model.sample_rate);
    const samples = await ask("resample", { samples: own, from: rate, to: model.sample_rate }, own.buffer);
    const windows = await scored(samples, places(samples.length), progress, signal);
    return { duration, windows, levels: levelsOf(samples, model.sample_rate) };
  };

  return {
    model, views, hasLibrary: false,

    async recognize(file, { view, progress, signal }) {
      if (!heard.has(file)) heard.set(file, await hearFile(file, progress, signal));
      return fromScores(file.name, heard.get(file), model, views[view]);
    },

    async hear(samples, rate, view) {
      const there = await ask("resample", { samples, from: rate, to: model.sample_rate });
      const [one] = await scored(there, [[Math.max(0, there.length - nSamples), there.length]]);
      return viewedScores(views[view], one.scores);
    },
  };
};
