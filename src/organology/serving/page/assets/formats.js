// Results as files, written as organology.outputs writes them. Each takes a recording and gives text.

import { framesOf } from "./frames.js";
import { given } from "./recognition.js";

const JAMS_VERSION = "0.3.5";
const rounded = (value, digits = 6) => Number(value.toFixed(digits));
const seconds = (value) => value.toFixed(6).replace(/\.?0+$/, "");
// As ".6g" in Python.
export const number = (value) => {
  const short = Number(value.toPrecision(6)), [digits, power] = short.toExponential().split("e");
  if (Number(power) >= -4 && Number(power) < 6) return String(short);
  return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
};
// A text that a spreadsheet would take for a formula is marked as text.
const safe = (value) => (/^'*[=+\-@\t\r]/.test(value) ? `'${value}` : value);
const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : String(value));
const csv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
const byTime = (recording) => recording.labels
  .flatMap((one) => one.segments.map((segment) => ({ ...segment, label: one.label, name: one.name })))
  .sort((a, b) => a.start - b.start);

const toCsv = (recording) => csv([
  ["file", "duration", ...recording.labels.map((one) => one.label)],
  [safe(recording.file), seconds(recording.duration), ...recording.labels.map((one) => number(one.score))],
]);

const toSegments = (recording) => csv([
  ["file", "label", "start", "end", "score"],
  ...recording.labels.flatMap((one) => one.segments.map((s) => [
    safe(recording.file), one.label, seconds(s.start), seconds(s.end), number(s.score),
  ])),
]);

const toJson = (recording) => `${JSON.stringify({
  schema: recording.schema, version: recording.version,
  ...given(recording, rounded),
  duration: rounded(recording.duration),
  labels: recording.labels.map((one) => ({
    ...one,
    score: rounded(one.score),
    threshold: rounded(one.threshold),
    segments: one.segments.map((s) => ({ start: rounded(s.start), end: rounded(s.end), score: rounded(s.score) })),
  })),
  windows: recording.windows?.map((one) => ({
    start: rounded(one.start), end: rounded(one.end), scores: Array.from(one.scores, (score) => rounded(score)),
  })),
})}\n`;

const toAudacity = (recording) => byTime(recording)
  .map((one) => `${one.start.toFixed(6)}\t${one.end.toFixed(6)}\t${one.name}\n`).join("");

const toJams = (recording, version) => {
  const settings = Object.entries(recording.segment_settings).map(([name, value]) => `${name} ${value}`).join(", ");
  const annotation = (namespace, data, label) => ({
    namespace, time: 0, duration: recording.duration,
    annotation_metadata: {
      curator: { name: "", email: "" }, annotator: {}, version: "", corpus: "",
      annotation_tools: `organology ${version}, model ${recording.model || "unknown"}`,
      annotation_rules: label ? `hop ${recording.hop_seconds}, ${settings}` : "",
      validation: "", data_source: "program",
    },
    data, sandbox: label ? { label } : {},
  });
  const tags = recording.labels.filter((one) => one.plays).map((one) => ({
    time: 0, duration: recording.duration, value: one.label, confidence: rounded(one.score),
  }));
  const parts = recording.labels.filter((one) => one.segments.length).map((one) => annotation(
    "segment_open",
    one.segments.map((s) => ({
      time: s.start, duration: s.end - s.start, value: one.label, confidence: rounded(s.score),
    })),
    one.label,
  ));
  return `${JSON.stringify({
    annotations: [annotation("tag_open", tags), ...parts],
    file_metadata: {
      title: recording.file.replace(/(?<=.)\.[^.]*$/, ""), artist: "", release: "", duration: recording.duration,
      identifiers: { file: recording.file }, jams_version: JAMS_VERSION,
    },
    sandbox: { organology: {
      scores: Object.fromEntries(recording.labels.map((one) => [one.label, rounded(one.score)])), notes: recording.notes,
    } },
  }, null, 1)}\n`;
};

// What the page offers: the name for people, the file's suffix, its type, and how it is written.
export const FORMATS = {
  csv: { name: "CSV", suffix: ".csv", type: "text/csv", write: toCsv },
  segments: { name: "Segments (CSV)", suffix: ".segments.csv", type: "text/csv", write: toSegments },
  json: { name: "JSON", suffix: ".json", type: "application/json", write: toJson },
  jams: { name: "JAMS", suffix: ".jams", type: "application/json", write: toJams },
  audacity: { name: "Audacity labels", suffix: ".labels.txt", type: "text/plain", write: toAudacity },
};

// The part of a recording that has some labels only.
export const only = (recording, wanted) => {
  const kept = recording.labels.map((one, i) => (wanted.has(one.label) ? i : -1)).filter((i) => i >= 0);
  return {
    ...recording,
    instruments: recording.instruments.filter((label) => wanted.has(label)),
    labels: kept.map((i) => recording.labels[i]),
    windows: recording.windows?.map((one) => ({ ...one, scores: kept.map((i) => one.scores[i]) })),
    ...(recording.frames && { frames: framesOf(recording.frames, kept) }),
  };
};
