// Resamples, and runs the model on windows of samples: what would hold up the page.

import * as ort from "./ort/ort.wasm.min.mjs";
import { resample } from "./resample.js";

ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
ort.env.wasm.numThreads = 1;  // more need headers that static hosts do not send
ort.env.logLevel = "error";

const model = new URL("model.onnx", import.meta.url).href;
const session = ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });

const score = async ({ windows, frames, parents }) => {
  const n = windows.length / frames;
  const waveform = new ort.Tensor("float32", windows, [n, frames]);
  const { scores } = await (await session).run({ waveform });
  const width = scores.dims[1];
  const rows = Array.from({ length: n }, (_, i) => Array.from(scores.data.subarray(i * width, (i + 1) * width)));
  for (const row of rows) {
    for (let changed = true; changed;) {  // a family is never below its instruments
      changed = false;
      parents.forEach((parent, c) => {
        if (parent >= 0 && row[parent] < row[c]) {
          row[parent] = row[c];
          changed = true;
        }
      });
    }
  }
  return rows;
};

const tasks = { score, resample: ({ samples, from, to }) => resample(samples, from, to) };

addEventListener("message", async ({ data: { id, task, ...asked } }) => {
  try {
    postMessage({ id, result: await tasks[task](asked) });
  } catch (error) {
    postMessage({ id, error: `the model cannot be run: ${error.message}` });
  }
});
