// Frames: scores over time as fine as a model gives them, and who plays when by them, as organology.recognition.frames
// and frame_grid do it. Logits are kept in whole steps of 0.1 and levels in steps of 0.5 dB, a byte each. Pure.
//
// Frames of a recording: { settings, nLabels, logits, levels }, settings as in the model's metadata; logits:
// Uint8Array (instants, labels); levels: Uint8Array (cells of 0.1 s).

import { cellEdges, covering, hysteresis, logit, runningMedian, segmentsWhere, sigmoid, tidied, upward } from "./segments.js";

export const CELL_SECONDS = 0.1;
const MOST_LOGIT = 12, LOGIT_STEP = 0.1, LEVEL_STEP = 0.5, SILENCE_DBFS = -70, SLACK = 1e-6, LEAST_ENERGY = 1e-20;

const clipped = (value, least, most) => Math.min(most, Math.max(least, value));
const logitStep = (value) => Math.round((clipped(value, -MOST_LOGIT, MOST_LOGIT) + MOST_LOGIT) / LOGIT_STEP);
const levelStep = (level) => Math.round(clipped(-level / LEVEL_STEP, 0, 255));
const exact = (step) => step * LOGIT_STEP - MOST_LOGIT;

// Levels of the cells of samples, the last one shorter.
export const levelsOf = (samples, rate) => {
  const cell = rate * CELL_SECONDS, levels = [];
  for (let begin = 0; begin < samples.length || !levels.length;) {
    const end = Math.min(samples.length, Math.ceil((levels.length + 1) * cell - SLACK));
    let energy = 0;
    for (let i = begin; i < end; i += 1) energy += samples[i] * samples[i];
    levels.push(levelStep(10 * Math.log10(Math.max(energy / Math.max(1, end - begin), LEAST_ENERGY))));
    begin = end;
  }
  return Uint8Array.from(levels);
};

// Frames of windows in the order of time, on one grid of instants: the mean of the logits of the windows that cover an
// instant and sound. windows: [{ place: [start, end] in samples, frames: (frames * labels) scores, or null: silent }].
export const gridOf = (windows, settings, nLabels, rate) => {
  const step = settings.seconds * rate;
  const within = windows.map(({ place: [start, end] }) => [Math.ceil(start / step - SLACK), Math.floor(end / step + SLACK)]);
  const n = within[within.length - 1][1] + 1;
  const sums = new Float64Array(n * nLabels), counts = new Uint32Array(n), isCovered = new Uint8Array(n);
  windows.forEach(({ place: [start], frames }, w) => {
    const [first, last] = within[w];
    isCovered.fill(1, first, last + 1);
    if (!frames) return;
    const logits = Float64Array.from(frames, logit), n_ = frames.length / nLabels;
    for (let instant = first; instant <= last; instant += 1) {
      const at = clipped(instant - start / step, 0, n_ - 1);
      const left = Math.min(Math.floor(at), Math.max(n_ - 2, 0)), right = Math.min(left + 1, n_ - 1), part = at - left;
      for (let c = 0; c < nLabels; c += 1) {
        sums[instant * nLabels + c] += (1 - part) * logits[left * nLabels + c] + part * logits[right * nLabels + c];
      }
      counts[instant] += 1;
    }
  });
  const covered = Array.from(isCovered.keys()).filter((instant) => isCovered[instant]);
  const logits = new Uint8Array(n * nLabels);
  for (let instant = 0, k = 0; instant < n; instant += 1) {
    while (k + 1 < covered.length && (covered[k] + covered[k + 1]) / 2 < instant) k += 1;
    const from = covered[k];  // an instant without a window is as the nearest one
    for (let c = 0; c < nLabels; c += 1) {
      logits[instant * nLabels + c] = logitStep(counts[from] ? sums[from * nLabels + c] / counts[from] : -Infinity);
    }
  }
  return logits;
};

// From the form of `Recognition.to_dict`, and back.
export const receivedFrames = ({ settings, levels, instants }) => {
  const nLabels = settings.frame_shifts.length, logits = new Uint8Array(instants.length * nLabels);
  instants.forEach(({ scores }, i) => scores.forEach((score, c) => (logits[i * nLabels + c] = logitStep(logit(score)))));
  return { settings, nLabels, logits, levels: Uint8Array.from(levels, levelStep) };
};

export const givenFrames = ({ settings, nLabels, logits, levels }, rounded) => ({
  settings,
  cell_seconds: CELL_SECONDS,
  levels: Array.from(levels, (step) => (step ? -step * LEVEL_STEP : 0)),
  instants: Array.from({ length: logits.length / nLabels }, (_, i) => ({
    time: rounded(i * settings.seconds),
    scores: Array.from(logits.subarray(i * nLabels, (i + 1) * nLabels), (step) => rounded(Math.fround(sigmoid(exact(step))))),
  })),
});

// The frames of some of the labels, by their places.
export const framesOf = ({ settings, nLabels, logits, levels }, kept) => {
  const part = (shifts) => kept.map((i) => shifts[i]), n = logits.length / nLabels;
  const of = new Uint8Array(n * kept.length);
  for (let i = 0; i < n; i += 1) kept.forEach((c, k) => (of[i * kept.length + k] = logits[i * nLabels + c]));
  const shifts = { frame_shifts: part(settings.frame_shifts), window_shifts: part(settings.window_shifts) };
  return { settings: { ...settings, ...shifts }, nLabels: kept.length, logits: of, levels };
};

// Logits of one label at the middles of cells; -Infinity where a cell is silent.
const column = ({ settings, nLabels, logits, levels }, c, edges, medianSeconds) => {
  const n = edges.length - 1, last = logits.length / nLabels - 1, values = new Float64Array(n);
  for (let cell = 0, k = 0; cell < n; cell += 1) {
    const middle = (edges[cell] + edges[cell + 1]) / 2;
    while (k < last && (k + 1) * settings.seconds <= middle) k += 1;
    const here = exact(logits[k * nLabels + c]);
    if (k === last) values[cell] = here;
    else {
      const next = exact(logits[(k + 1) * nLabels + c]), at = k * settings.seconds;
      values[cell] = ((next - here) / ((k + 1) * settings.seconds - at)) * (middle - at) + here;
    }
  }
  const smooth = runningMedian(values, medianSeconds, CELL_SECONDS);
  for (let cell = 0; cell < n; cell += 1) {
    if (levels[Math.min(cell, levels.length - 1)] > -SILENCE_DBFS / LEVEL_STEP) smooth[cell] = -Infinity;
  }
  return smooth;
};

// Scores over time by frames, in cells of 0.1 s: as `windowActivity` gives them, with what segments need besides.
export const frameActivity = (frames, windows, settings) => {
  const edges = cellEdges(windows[windows.length - 1].end, CELL_SECONDS);
  const logits = Array.from({ length: frames.nLabels }, (_, c) => column(frames, c, edges, settings.median_seconds));
  return { edges, logits, scores: logits.map((values) => Float32Array.from(values, sigmoid)), ...covering(windows, edges) };
};

// Segments by frames and windows, an array a label: frames say when, and the best window over a cell, whether.
// Of what plays in the file as a whole the best moment is in a segment if it reaches the lower threshold.
// over: of `frameActivity`; labels: [{ label, parent }]; settings: with everything set; plays: of each label.
export const frameSegments = (over, frames, windows, labels, thresholds, settings, plays) => {
  const { frame_shifts: frameShifts, window_shifts: windowShifts } = frames.settings, n = over.edges.length - 1;
  const on = labels.map((_, c) => {
    const limit = logit(thresholds[c]), high = limit + frameShifts[c];
    const low = settings.low_logits === undefined ? logit(sigmoid(high) * settings.low_ratio) : high - settings.low_logits;
    const reached = new Int32Array(windows.length + 1);
    windows.forEach(({ scores }, w) => {
      reached[w + 1] = reached[w] + (logit(scores[c]) >= limit + windowShifts[c] ? 1 : 0);
    });
    if (!reached[windows.length]) return new Uint8Array(n);
    const gated = over.logits[c].map((value, cell) => (
      reached[over.lasts[cell]] > reached[over.firsts[cell]] ? value : -Infinity
    ));
    const best = gated.reduce((one, other) => Math.max(one, other), low);
    return tidied(hysteresis(gated, plays[c] ? Math.min(high, best) : high, low), over.edges, settings);
  });
  for (const [child, parent] of upward(labels)) on[child].forEach((sounds, i) => (on[parent][i] |= sounds));
  return on.map((mask, c) => segmentsWhere(mask, over.edges, over.scores[c]));
};
