// From the scores of windows to what plays when: the same rules as organology.recognition (pooling, segments), so that
// thresholds can change in the page. Everything here is pure; a recording has the form of `Recognition.to_dict`.

const LEAST = 1e-6, SLACK = 1e-6, TOP_SHARE = 0.25, STRETCH_SECONDS = 12, MOST_CELLS = 1200;

export const SEGMENT_SETTINGS = { low_ratio: 0.75, max_gap_seconds: 1, min_seconds: 1, median_seconds: 0 };

export const logit = (score) => {
  const exact = Math.min(1 - LEAST, Math.max(LEAST, score));
  return Math.log(exact) - Math.log1p(-exact);
};
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// Thresholds moved by the same distance on the scale of logits: 0 leaves them, above 0 fewer labels play.
export const moved = (threshold, by) => (by ? sigmoid(logit(threshold) + by) : threshold);

// [[start, end], ...] of runs of true.
const runs = (mask) => {
  const found = [];
  for (let i = 0, begin = -1; i <= mask.length; i += 1) {
    if (mask[i] && begin < 0) begin = i;
    if (!mask[i] && begin >= 0) {
      found.push([begin, i]);
      begin = -1;
    }
  }
  return found;
};

// A parent's values are at least those of its children. labels: [{ label, parent }]; values: an array a label.
const raised = (labels, values, highest) => {
  const place = new Map(labels.map((one, i) => [one.label, i]));
  const out = values.map((one) => one.slice());
  for (let pass = 0; pass < labels.length; pass += 1) {
    let changed = false;
    labels.forEach(({ parent: above_ }, i) => {
      const parent = place.get(above_);
      if (parent === undefined) return;
      out[i].forEach((value, t) => {
        if (highest(value, out[parent][t])) {
          out[parent][t] = value;
          changed = true;
        }
      });
    });
    if (!changed) break;
  }
  return out;
};
const above = (a, b) => a > b;

export const raiseFamilies = (labels, scores) => raised(labels, scores.map((one) => [one]), above).map(([one]) => one);

// Scores of a file. scores: of the windows that sound, an array a window.
export const pool = (scores, how, starts, ends) => {
  const n = scores.length, columns = n ? scores[0].length : 0, result = new Array(columns).fill(0);
  for (let c = 0; c < columns; c += 1) {
    const values = scores.map((row) => Math.min(1, Math.max(0, row[c])));
    if (how === "mean") result[c] = values.reduce((a, b) => a + b, 0) / n;
    else if (how === "max") result[c] = Math.max(...values);
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

// Scores over time: { edges, scores } with an array a label, the mean of the logits of the windows that cover a cell.
export const activity = (windows, nLabels, hopSeconds) => {
  const starts = windows.map((one) => one.start), ends = windows.map((one) => one.end);
  const duration = ends[ends.length - 1];
  const n = Math.max(1, Math.ceil(duration / hopSeconds - 1e-6));
  const edges = Array.from({ length: n }, (_, i) => i * hopSeconds).concat(duration);
  const sums = Array.from({ length: nLabels }, () => new Float64Array(windows.length + 1));
  const silent = new Float64Array(windows.length + 1);
  windows.forEach(({ scores }, i) => {
    for (let c = 0; c < nLabels; c += 1) sums[c][i + 1] = sums[c][i] + logit(scores[c]);
    silent[i + 1] = silent[i] + (scores.every((score) => score === 0) ? 1 : 0);
  });
  const scores = Array.from({ length: nLabels }, () => new Float32Array(n));
  let first = 0, last = 0;
  for (let cell = 0; cell < n; cell += 1) {
    const middle = (edges[cell] + edges[cell + 1]) / 2;
    while (first < ends.length && ends[first] <= middle) first += 1;
    while (last < starts.length && starts[last] <= middle) last += 1;
    let [from, to] = [first, last];
    if (from >= to) {
      const distances = windows.map((one) => Math.abs((one.start + one.end) / 2 - middle));
      from = distances.indexOf(Math.min(...distances));
      to = from + 1;
    }
    if (silent[to] - silent[from]) continue;
    for (let c = 0; c < nLabels; c += 1) scores[c][cell] = sigmoid((sums[c][to] - sums[c][from]) / (to - from));
  }
  return { edges, scores };
};

const tidied = (on, edges, settings) => {
  const tidy = on.slice();
  for (const [begin, end] of runs(on.map((one) => !one))) {
    const inner = begin > 0 && end < on.length;
    if (inner && edges[end] - edges[begin] <= settings.max_gap_seconds + SLACK) tidy.fill(true, begin, end);
  }
  const shortest = Math.min(settings.min_seconds, edges[edges.length - 1]);
  for (const [begin, end] of runs(tidy)) {
    if (edges[end] - edges[begin] < shortest - SLACK) tidy.fill(false, begin, end);
  }
  return tidy;
};

// Segments, an array a label, of an activity.
export const segments = ({ edges, scores }, labels, thresholds, settings = SEGMENT_SETTINGS) => {
  const columns = scores.map((values, c) => {
    const on = new Array(values.length).fill(false), low = thresholds[c] * (settings.low_ratio ?? SEGMENT_SETTINGS.low_ratio);
    for (const [begin, end] of runs(Array.from(values, (value) => value >= low))) {
      if (values.subarray(begin, end).some((value) => value >= thresholds[c])) on.fill(true, begin, end);
    }
    return tidied(on, edges, settings);
  });
  return raised(labels, columns, above).map((on, c) => runs(on).map(([begin, end]) => {
    let sum = 0;
    for (let i = begin; i < end; i += 1) sum += scores[c][i] * (edges[i + 1] - edges[i]);
    return { start: edges[begin], end: edges[end], score: sum / (edges[end] - edges[begin]) };
  }));
};

// A recording with other thresholds: what plays and the segments follow from its windows. over: its activity; labels:
// [{ label, parent }] of it, in its order; thresholds: by label.
export const withThresholds = (recording, over, labels_, thresholds) => {
  const levels = recording.labels.map((one, i) => thresholds?.[one.label] ?? recording.labels[i].threshold);
  const reached = recording.labels.map((one, i) => [one.score >= levels[i]]);
  const plays = raised(labels_, reached, above);
  const parts = segments(over, labels_, levels, recording.segment_settings);
  const labels = recording.labels.map((one, i) => ({
    ...one, threshold: levels[i], plays: plays[i][0], segments: parts[i],
  }));
  return { ...recording, labels, instruments: labels.filter((one) => one.plays).map((one) => one.label) };
};

// A recording of windows that were scored here. windows: [{ start, end, scores, sounds }]; model: as /v1/model.
export const fromWindows = ({ name, duration, windows, model, labels, hopSeconds, notes = [] }) => {
  const sounding = windows.filter((one) => one.sounds);
  const pooled = pool(
    sounding.map((one) => one.scores), model.pooling, sounding.map((one) => one.start), sounding.map((one) => one.end),
  );
  const scores = pooled.length ? raiseFamilies(labels, pooled) : labels.map(() => 0);
  const recording = {
    schema: "organology.recognition", version: 1, file: name, duration, model: model.name, hop_seconds: hopSeconds,
    segment_settings: SEGMENT_SETTINGS,
    instruments: [],
    labels: labels.map((one, i) => ({
      label: one.label, name: one.name, family: one.family, score: scores[i], threshold: one.threshold,
      plays: false, segments: [],
    })),
    notes: sounding.length ? notes : ["silent: never above -70 dBFS", ...notes],
    windows: windows.map(({ start, end, scores: values }) => ({ start, end, scores: values })),
  };
  return withThresholds(recording, activity(windows, labels.length, hopSeconds), labels);
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
