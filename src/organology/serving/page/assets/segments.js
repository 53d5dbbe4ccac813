// From scores over time to who plays when: the rules of organology.recognition.segments. Everything here is pure.

const LEAST = 1e-6, SLACK = 1e-6;

export const DEFAULTS = { low_ratio: 0.75, max_gap_seconds: 1, min_seconds: 1, median_seconds: 0 };

export const logit = (score) => {
  const exact = Math.min(1 - LEAST, Math.max(LEAST, score));
  return Math.log(exact) - Math.log1p(-exact);
};
export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// [[start, end], ...] of runs of true.
export const runs = (mask) => {
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

// Places of each child and its parent, the deepest children first. labels: [{ label, parent }].
export const upward = (labels) => {
  const place = new Map(labels.map((one, i) => [one.label, i]));
  const parents = labels.map((one) => place.get(one.parent) ?? -1);
  const depth = (i) => (parents[i] < 0 ? 0 : 1 + depth(parents[i]));
  return parents.map((parent, i) => [i, parent, depth(i)]).filter(([, parent]) => parent >= 0)
    .sort((a, b) => b[2] - a[2]).map(([child, parent]) => [child, parent]);
};

// Values of labels, in which no label is below those that belong to it; in place.
export const raise = (pairs, values) => {
  for (const [child, parent] of pairs) if (values[child] > values[parent]) values[parent] = values[child];
  return values;
};

// Where values stay at or above `low` in runs that reach `high`.
export const hysteresis = (values, high, low) => {
  const on = new Uint8Array(values.length);
  for (let i = 0, begin = -1, reached = false; i <= values.length; i += 1) {
    const stays = i < values.length && values[i] >= low;
    if (stays && begin < 0) [begin, reached] = [i, false];
    if (stays && values[i] >= high) reached = true;
    if (!stays && begin >= 0) {
      if (reached) on.fill(1, begin, i);
      begin = -1;
    }
  }
  return on;
};

// The median of an odd number of cells around each, as many as the seconds hold; the ends are repeated.
export const runningMedian = (values, seconds, cellSeconds) => {
  const half = Math.floor((seconds / cellSeconds + 1e-6 - 1) / 2);
  if (half < 1) return values;
  const n = values.length, smooth = values.slice(), around = new Float64Array(2 * half + 1);
  for (let i = 0; i < n; i += 1) {
    for (let k = -half; k <= half; k += 1) {  // sorted as they come
      const value = values[Math.min(n - 1, Math.max(0, i + k))];
      let at = k + half;
      while (at > 0 && around[at - 1] > value) {
        around[at] = around[at - 1];
        at -= 1;
      }
      around[at] = value;
    }
    smooth[i] = around[half];
  }
  return smooth;
};

// Where a label plays, with short gaps closed and then short runs dropped.
export const tidied = (on, edges, settings) => {
  const tidy = on.slice();
  for (const [begin, end] of runs(on.map((one) => (one ? 0 : 1)))) {
    const inner = begin > 0 && end < on.length;
    if (inner && edges[end] - edges[begin] <= settings.max_gap_seconds + SLACK) tidy.fill(1, begin, end);
  }
  const shortest = Math.min(settings.min_seconds, edges[edges.length - 1]);
  for (const [begin, end] of runs(tidy)) {
    if (edges[end] - edges[begin] < shortest - SLACK) tidy.fill(0, begin, end);
  }
  return tidy;
};

// The segments of one label: where it plays, and its scores over time.
export const segmentsWhere = (on, edges, scores) => runs(on).map(([begin, end]) => {
  let sum = 0;
  for (let i = begin; i < end; i += 1) sum += scores[i] * (edges[i + 1] - edges[i]);
  return { start: edges[begin], end: edges[end], score: sum / (edges[end] - edges[begin]) };
});

// Edges of cells of so many seconds; the last one ends with the recording.
export const cellEdges = (duration, seconds) => {
  const n = Math.max(1, Math.ceil(duration / seconds - 1e-6));
  const edges = Float64Array.from({ length: n + 1 }, (_, i) => i * seconds);
  edges[n] = duration;
  return edges;
};

// The windows that cover the middle of each cell: from `first` to before `last`; the nearest one where none does.
export const covering = (windows, edges) => {
  const n = edges.length - 1, firsts = new Int32Array(n), lasts = new Int32Array(n);
  let first = 0, last = 0;
  for (let cell = 0; cell < n; cell += 1) {
    const middle = (edges[cell] + edges[cell + 1]) / 2;
    while (first < windows.length && windows[first].end <= middle) first += 1;
    while (last < windows.length && windows[last].start <= middle) last += 1;
    [firsts[cell], lasts[cell]] = [first, last];
    if (first >= last) {
      const distances = windows.map((one) => Math.abs((one.start + one.end) / 2 - middle));
      firsts[cell] = distances.indexOf(Math.min(...distances));
      lasts[cell] = firsts[cell] + 1;
    }
  }
  return { firsts, lasts };
};

// Scores over time by windows: { edges, scores } with an array a label, the mean of the logits of the windows that
// cover a cell; 0 where one of them is silent.
export const windowActivity = (windows, nLabels, hopSeconds) => {
  const edges = cellEdges(windows[windows.length - 1].end, hopSeconds), n = edges.length - 1;
  const { firsts, lasts } = covering(windows, edges);
  const sums = Array.from({ length: nLabels }, () => new Float64Array(windows.length + 1));
  const silent = new Float64Array(windows.length + 1);
  windows.forEach(({ scores }, i) => {
    for (let c = 0; c < nLabels; c += 1) sums[c][i + 1] = sums[c][i] + logit(scores[c]);
    silent[i + 1] = silent[i] + (scores.every((score) => score === 0) ? 1 : 0);
  });
  const scores = Array.from({ length: nLabels }, () => new Float32Array(n));
  for (let cell = 0; cell < n; cell += 1) {
    const first = firsts[cell], last = lasts[cell];
    if (silent[last] - silent[first]) continue;
    for (let c = 0; c < nLabels; c += 1) scores[c][cell] = sigmoid((sums[c][last] - sums[c][first]) / (last - first));
  }
  return { edges, scores };
};

// Segments by windows, an array a label. labels: [{ label, parent }]; settings: with everything set.
export const windowSegments = ({ edges, scores }, labels, thresholds, settings) => {
  const on = scores.map((values, c) => {
    const high = thresholds[c];
    const low = settings.low_logits === undefined ? high * settings.low_ratio : sigmoid(logit(high) - settings.low_logits);
    const smooth = runningMedian(values, settings.median_seconds, edges[1] - edges[0]);
    return tidied(hysteresis(smooth, high, low), edges, settings);
  });
  for (const [child, parent] of upward(labels)) on[child].forEach((plays, i) => (on[parent][i] |= plays));
  return on.map((mask, c) => segmentsWhere(mask, edges, scores[c]));
};
