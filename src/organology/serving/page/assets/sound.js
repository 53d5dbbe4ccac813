// Samples: decoded, measured, written as wav, captured from the microphone.

import { rateOf } from "./resample.js";

const LEAST_RATE = 8000, MOST_RATE = 96_000;  // that every browser decodes to

// Mono samples of a file: { samples, rate, duration }, at its own rate where that can be seen, else at `otherwise`.
export const decoded = async (content, otherwise) => {
  const said = rateOf(new Uint8Array(content));
  const rate = said >= LEAST_RATE && said <= MOST_RATE ? said : otherwise;
  const context = new OfflineAudioContext(1, 1, rate);
  let buffer;
  try {
    buffer = await context.decodeAudioData(content);
  } catch {
    throw new Error("this browser cannot decode it");
  }
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const of = buffer.getChannelData(channel);
    for (let i = 0; i < samples.length; i += 1) samples[i] += of[i];
  }
  if (buffer.numberOfChannels > 1) samples.forEach((value, i) => (samples[i] = value / buffer.numberOfChannels));
  if (!samples.length) throw new Error("no samples in it");
  return { samples, rate, duration: buffer.duration };
};

// Root mean square in dB relative to full scale.
export const level = (samples) => {
  let energy = 0;
  for (const value of samples) energy += value * value;
  return energy ? 10 * Math.log10(energy / samples.length) : -Infinity;
};

export const wav = (samples, rate) => {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, value) => [...value].forEach((sign, i) => view.setUint8(at + i, sign.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
  return new Blob([view], { type: "audio/wav" });
};

export const microphone = () => navigator.mediaDevices.getUserMedia({
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
});

// The last seconds of the microphone: { latest(), rate, stop() }.
export const capture = async (seconds) => {
  const stream = await microphone();
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("capture.js", import.meta.url));
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  const held = new Float32Array(Math.round(seconds * context.sampleRate));
  let filled = 0;
  node.port.addEventListener("message", ({ data }) => {
    held.copyWithin(0, data.length);
    held.set(data, held.length - data.length);
    filled = Math.min(held.length, filled + data.length);
  });
  node.port.start();
  context.createMediaStreamSource(stream).connect(node);
  return {
    rate: context.sampleRate,
    latest: () => held.slice(held.length - filled),
    stop: () => {
      stream.getTracks().forEach((track) => track.stop());
      context.close();
    },
  };
};
