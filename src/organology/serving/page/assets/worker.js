// Resamples, and runs the model on windows of samples: what would hold up the page.

import * as ort from "./ort/ort.wasm.min.mjs";
import { resample } from "./resample.js";

ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
ort.env.wasm.numThreads = 1;  // more need headers that static hosts do not send
ort.env.logLevel = "error";

const model = new URL("model.onnx", import.meta.url).href;
const session = ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });

// Scores of windows of so many samples, one after the other, and of their frames where the model gives them.
const score = async ({ windows, nSamples }) => {
  const waveform = new ort.Tensor("float32", windows, [windows.length / nSamples, nSamples]);
  const { scores, frame_scores: frames } = await (await session).run({ waveform });
  return { scores: scores.data.slice(), frames: frames?.data.slice() };
};

const tasks = { score, resample: ({ samples, from, to }) => resample(samples, from, to) };

addEventListener("message", async ({ data: { id, task, ...asked } }) => {
  try {
    postMessage({ id, result: await tasks[task](asked) });
  } catch (error) {
    postMessage({ id, error: `the model cannot be run: ${error.message}` });
  }
});
