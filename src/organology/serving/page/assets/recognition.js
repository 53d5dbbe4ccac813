// From scores to a recognition: the same rules as organology.recognition, so that thresholds can change in the page.
// Everything here is pure; a recording has the form of `Recognition.to_dict`, but for its frames (see frames.js).

import { frameActivity, frameSegments, givenFrames, gridOf, receivedFrames } from "./frames.js";
import { DEFAULTS, logit, raise, sigmoid, upward, windowActivity, windowSegments } from "./segments.js";

const SLACK = 1e-6, TOP_SHARE = 0.25, STRETCH_SECONDS = 12, MOST_CELLS = 1200;

// Thresholds moved by the same distance on the scale of logits: 0 leaves them, above 0 fewer labels play.
export const moved = (threshold, by) => (by ? sigmoid(logit(threshold) + by) : threshold);

// Scores of a file. scores: of the windows that sound, an array a window.
export const pool = (scores, how, starts, ends) => {
  const n = scores.length, columns = n ? scores[0].length : 0, result = new Array(columns).fill(0);
  for (let c = 0; c < columns; c += 1) {
    const values = scores.map((row) => Math.min(1, Math.max(0, row[c])));
    if (how === "mean") result[c] = values.reduce((a, b) => a + b, 0) / n;
    else if (how === "max") result[c] = values.reduce((a, b) => Math.max(a, b), 0);
    else if (how === "noisy_or") result[c] = 1 - values.reduce((a, b) => a * (1 - b), 1);
    else if (how === "top_mean") {
      const top = values.sort((a, b) => b - a).slice(0, Math.ceil(n * TOP_SHARE));
      result[c] = top.reduce((a, b) => a + b, 0) / top.length;
    } else if (how === "top_stretch") result[c] = topStretch(values, starts, ends);
    else throw new Error(`not a pooling: ${how}`);
  }
  return result;
};

const topStretch = (values, starts, ends) => {
  const sums = [0];
  for (const value of values) sums.push(sums[sums.length - 1] + logit(value));
  const lastBegin = Math.max(starts[0], ends[ends.length - 1] - STRETCH_SECONDS);
  let best = -Infinity, first = 0, last = 0;
  for (const start of starts) {
    const begin = Math.min(start, lastBegin);
    while (starts[first] < begin - SLACK) first += 1;
    while (last < ends.length && ends[last] <= begin + STRETCH_SECONDS + SLACK) last += 1;
    const until = Math.max(last, first + 1);
    best = Math.max(best, (sums[until] - sums[first]) / (until - first));
  }
  return sigmoid(best);
};

// From the form of `Recognition.to_dict`, and back. rounded: how a number is written.
export const received = (plain) => (plain.frames ? { ...plain, frames: receivedFrames(plain.frames) } : plain);
export const given = (recording, rounded) => (
  recording.frames ? { ...recording, frames: givenFrames(recording.frames, rounded) } : recording
);

// Scores over time, { edges, scores } with an array a label, with whatever else `withThresholds` needs of them.
export const overTime = ({ frames, windows, labels, hop_seconds: hop, segment_settings: settings }) => (
  frames ? frameActivity(frames, windows, settings) : windowActivity(windows, labels.length, hop)
);

// A recording with other thresholds: what plays and the segments follow from its scores. over: of `overTime`; labels:
// [{ label, parent }] of it, in its order; thresholds: by label, in place of the recording's.
export const withThresholds = (recording, over, labels_, thresholds) => {
  const { frames, windows, segment_settings: settings } = recording;
  const limits = recording.labels.map((one) => thresholds?.[one.label] ?? one.threshold);
  const plays = raise(upward(labels_), recording.labels.map((one, i) => one.score >= limits[i]));
  const parts = frames
    ? frameSegments(over, frames, windows, labels_, limits, settings, plays)
    : windowSegments(over, labels_, limits, { ...DEFAULTS, ...settings });
  const labels = recording.labels.map((one, i) => ({
    ...one, threshold: limits[i], plays: plays[i], segments: parts[i],
  }));
  return { ...recording, labels, instruments: labels.filter((one) => one.plays).map((one) => one.label) };
};

// What a view of a model's labels makes of its scores: those of the view's labels, none below its instruments.
// rows: of one window or of several frames, one after the other.
const viewed = ({ columns, labels }, rows, nColumns) => {
  const pairs = upward(labels), n = rows.length / nColumns, seen = new Float32Array(n * columns.length);
  for (let i = 0; i < n; i += 1) {
    const row = seen.subarray(i * columns.length, (i + 1) * columns.length);
    columns.forEach((from, to) => (row[to] = rows[i * nColumns + from]));
    raise(pairs, row);
  }
  return seen;
};

export const viewedScores = (view, scores) => (scores ? viewed(view, scores, scores.length) : new Float32Array(view.labels.length));

// A recording that was scored here. heard: { duration, levels, windows: [{ place: [start, end] in samples, scores,
// frames }] } with all scores of the model, null where a window is silent; model: as /v1/model says; view: the labels
// that are shown, { columns: of the model's scores, labels, frames: settings or null, label_set: where the JSON has it }.
export const fromScores = (name, { duration, levels, windows: heard }, model, view) => {
  const { labels, frames: settings } = view, rate = model.sample_rate;
  const windows = heard.map(({ place: [start, end], scores }, i) => ({
    start: start / rate,
    end: i === heard.length - 1 ? duration : Math.min(end / rate, duration),
    scores: viewedScores(view, scores),
  }));
  const sounding = windows.filter((_, i) => heard[i].scores);
  const pooled = pool(
    sounding.map((one) => one.scores), model.pooling, sounding.map((one) => one.start), sounding.map((one) => one.end),
  );
  const scores = pooled.length ? raise(upward(labels), pooled) : labels.map(() => 0);
  const { low_logits, max_gap_seconds, min_seconds, median_seconds } = settings ?? {};
  const recording = {
    schema: "organology.recognition", version: 1, file: name, duration, model: model.name, hop_seconds: model.hop_seconds,
    segment_settings: settings ? { max_gap_seconds, min_seconds, median_seconds, low_logits } : DEFAULTS,
    instruments: [],
    labels: labels.map((one, i) => ({
      label: one.label, name: one.name, family: one.family, score: scores[i], threshold: one.threshold,
      plays: false, segments: [],
    })),
    notes: sounding.length ? [] : ["silent: never above -70 dBFS"],
    windows,
  };
  if (view.label_set) recording.label_set = view.label_set;
  if (settings) {
    const nColumns = model.n_labels;
    const ofFrames = heard.map(({ place, frames }) => ({ place, frames: frames && viewed(view, frames, nColumns) }));
    recording.frames = { settings, nLabels: labels.length, logits: gridOf(ofFrames, settings, labels.length, rate), levels };
  }
  return withThresholds(recording, overTime(recording), labels);
};

// Scores over time, small, as the timeline draws them.
export const drawn = ({ edges, scores }) => {
  const n = edges.length - 1, each = Math.ceil(n / MOST_CELLS), cells = Math.ceil(n / each);
  const levels = new Uint8Array(cells * scores.length);
  scores.forEach((values, c) => {
    for (let cell = 0; cell < cells; cell += 1) {
      const part = values.subarray(cell * each, (cell + 1) * each);
      levels[c * cells + cell] = Math.round(255 * Math.min(1, part.reduce((a, b) => a + b, 0) / part.length));
    }
  });
  return { cells, cell_seconds: (edges[1] - edges[0]) * each, levels };
};
