// The timeline as a PNG, as organology.outputs.plot draws it.

import { clock } from "./timeline.js";

const WIDTH = 1600, ROW = 43, GAP = 16, LEFT = 250, RIGHT = 120, TOP = 130, BOTTOM = 70;
const INK = "#1f2328", MIDDLE = "#57606a", FAINT = "#767d86", TRACK = "#f1f3f5";
const STEPS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

const rgb = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

export const picture = async (recording, drawn, colors) => {
  const families = new Set(recording.labels.map((one) => one.family ?? one.label));
  const rows = [...families].flatMap((family) => recording.labels.filter((one) => (one.family ?? one.label) === family));
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = TOP + rows.length * ROW + families.size * GAP + BOTTOM;
  const pen = canvas.getContext("2d");
  const text = (value, x, y, size, color, align = "left", weight = "normal") => {
    pen.font = `${weight} ${size}px system-ui, sans-serif`;
    pen.fillStyle = color;
    pen.textAlign = align;
    pen.fillText(value, x, y);
  };
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const width = WIDTH - LEFT - RIGHT, x = (time) => Math.round(LEFT + (width * time) / recording.duration);
  text(recording.file, LEFT, 62, 34, INK, "left", "bold");
  text([clock(recording.duration, recording.duration < 60), ...recording.notes].join("   "), LEFT, 98, 21, MIDDLE);
  text("file", WIDTH - RIGHT + 16, TOP - 12, 18, FAINT);
  let y = TOP, family = null;
  for (const one of rows) {
    const of = one.family ?? one.label, isFamily = !one.family, height = isFamily ? 37 : 32;
    if (family !== null && of !== family) y += GAP;
    family = of;
    const [r, g, b] = rgb(colors[one.label]), i = recording.labels.indexOf(one);
    pen.fillStyle = TRACK;
    pen.fillRect(LEFT, y, width, height);
    for (let cell = 0; cell < drawn.cells; cell += 1) {
      pen.fillStyle = `rgb(${r} ${g} ${b} / ${(drawn.levels[i * drawn.cells + cell] / 255) ** 1.2})`;
      const from = x(cell * drawn.cell_seconds), to = Math.min(x((cell + 1) * drawn.cell_seconds), LEFT + width);
      pen.fillRect(from, y, to - from, height);
    }
    pen.fillStyle = colors[one.label];
    for (const s of one.segments) pen.fillRect(x(s.start), y + height, Math.max(2, x(s.end) - x(s.start)), isFamily ? 5 : 4);
    const ink = one.plays ? INK : one.segments.length ? MIDDLE : FAINT;
    text(one.name, LEFT - 18, y + height * 0.7, isFamily ? 23 : 21, ink, "right", isFamily ? "bold" : "normal");
    text(one.score.toFixed(2), WIDTH - RIGHT + 16, y + height * 0.7, 21, ink, "left", one.plays ? "bold" : "normal");
    y += ROW;
  }
  const step = STEPS.find((one) => recording.duration / one <= 12) ?? STEPS[STEPS.length - 1];
  for (let time = 0; time <= recording.duration; time += step) {
    text(clock(time, step < 1), x(time), y + 34, 20, MIDDLE, "center");
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
};
