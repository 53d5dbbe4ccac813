// The HTML report of one recording, with its audio inside: the page that `organology recognize --format html` writes.

import { clock } from "./timeline.js";

const EMBED_BYTES = 20_000_000;
const escaped = (value) => String(value).replace(/[&<>"']|[^\x20-\x7e]/gu, (sign) => `&#${sign.codePointAt(0)};`);
const inScript = (value) => JSON.stringify(value).replace(/[<>&]|[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

const base64 = (bytes) => {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
};

const dataUri = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(reader.result));
  reader.addEventListener("error", () => reject(reader.error));
  reader.readAsDataURL(blob);
});

const plainTable = (recording) => {
  const rows = recording.labels.map((one) => {
    const when = one.segments.map((s) => `${clock(s.start)}&#8211;${clock(s.end)}`).join(", ");
    return `<tr><th scope="row">${escaped(one.name)}</th><td>${one.score.toFixed(2)}</td><td>${one.threshold.toFixed(2)}</td><td>${one.plays ? "yes" : "no"}</td><td>${when}</td></tr>`;
  });
  const head = ["Label", "Score", "Threshold", "Plays", "When"].map((name) => `<th scope="col">${name}</th>`).join("");
  return `<table class="plain"><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
};

// shell: { head, tail } of the report; labels: [{ label, kind }]; drawn: as recognition.js gives it; audio: a Blob, or null.
export const report = async (shell, labels, recording, drawn, audio) => {
  const { windows, frames, ...plain } = recording;
  const data = { recording: plain, activity: { ...drawn, levels: base64(drawn.levels) } };
  const fits = audio && audio.size <= EMBED_BYTES;
  const kinds = new Map(labels.map((one) => [one.label, one.kind]));
  const plays = recording.labels.filter((one) => one.plays);
  const items = plays.map((one) => `<li class="${kinds.get(one.label)}${one.family ? " sub" : ""}">${escaped(one.name)} ${one.score.toFixed(2)}</li>`);
  const note = audio && !fits ? ["the audio is left out: it is too large"] : [];
  return `${shell.head}<article class="rec" id="r1" data-labels="${recording.instruments.join(" ")}" data-seconds="${recording.duration.toFixed(3)}"${fits ? ' data-audio="a1"' : ""} aria-labelledby="r1-name">
<header><h2 id="r1-name"><a href="#r1">${escaped(recording.file)}</a></h2><span class="soft">${clock(recording.duration, recording.duration < 60)}</span></header>
<ul class="plays" aria-label="Plays">${items.join("") || "<li>nothing recognized</li>"}</ul>
${[...recording.notes, ...note].map((one) => `<p class="note">${escaped(one)}</p>\n`).join("")}${fits ? `<audio id="a1" controls preload="none" aria-label="${escaped(recording.file)}" src="${await dataUri(audio)}"></audio>\n` : ""}<div class="view"></div>
<noscript>${plainTable(recording)}</noscript>
<script type="application/json">${inScript(data)}</script>
</article>
${shell.tail}`;
};
