// The page: recordings come in, timelines come out. Where the model runs is the engine's business.

import { FORMATS, only } from "./formats.js";
import { openLibrary } from "./library.js";
import { openLive } from "./live.js";
import { picture } from "./picture.js";
import { drawn, moved, overTime, withThresholds } from "./recognition.js";
import { report } from "./report-file.js";
import { microphone } from "./sound.js";
import { Timeline, clock, counted, isShown, make } from "./timeline.js";

const root = document.documentElement, byId = (id) => document.getElementById(id);
const isStatic = root.dataset.mode === "static";
const AT_ONCE = isStatic ? 1 : 3;
root.classList.add("js");

const status = (text) => (byId("status").textContent = text);

const askToken = () => new Promise((resolve) => {
  const dialog = byId("token-dialog");
  dialog.addEventListener("close", () => resolve(byId("token").value || null), { once: true });
  dialog.showModal();
});

const save = (blob, name) => {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

// which: of the engine's views, 1 with tentative labels; preset: of the model's thresholds; by: what they are moved by.
const view = { which: 0, preset: "", by: 0, hidden: new Set() };
const limit = (one, known = one) => moved(known.presets[view.preset] ?? one.threshold, view.by);
const entries = [];
let engine, labels = [], colors = {};

// One recording in the page: a file that is being recognized, or what is stored of one.
class Entry {
  constructor(name, audio = null) {
    Object.assign(this, { name, blob: audio, stopper: new AbortController(), results: new Map() });
    this.article = make("article", "rec");
    this.key = `r${(Entry.count = (Entry.count ?? 0) + 1)}`;
    const header = make("header"), title = make("h2", "", name);
    title.id = `${this.key}-name`;
    this.article.setAttribute("aria-labelledby", title.id);
    this.length = make("span", "soft");
    this.actions = make("span", "actions");
    const remove = make("button", "act", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${name}`);
    remove.addEventListener("click", () => this.remove());
    this.actions.append(remove);
    header.append(title, this.length, this.actions);
    this.work = make("p", "work");
    this.bar = make("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", `Progress of ${name}`);
    this.step = make("span");
    this.work.append(this.bar, this.step);
    this.box = make("div", "view");
    this.article.append(header, this.box);
    this.wait("waiting");
    byId("recordings").append(this.article);
    entries.push(this);
  }

  wait(step) {
    this.progress(0, step);
    this.box.before(this.work);
  }

  progress(share, step) {
    this.bar.value = share;
    this.step.textContent = step;
  }

  fail(reason) {
    const note = make("p", "note", reason.startsWith(`${this.name}: `) ? reason.slice(this.name.length + 2) : reason);
    note.setAttribute("role", "alert");
    this.work.replaceWith(note);
  }

  show(recording, which) {
    const isFirst = !this.results.size;
    this.results.set(which, recording);
    if (isFirst) {
      this.length.textContent = clock(recording.duration, recording.duration < 60);
      for (const note of recording.notes) this.article.insertBefore(make("p", "note", note), this.box);
      this.actions.prepend(this.menu());
      if (this.blob) {
        this.audio = make("audio");
        this.audio.preload = "metadata";
        this.audio.src = URL.createObjectURL(this.blob);
        this.article.append(this.audio);
      }
    }
    this.see();
  }

  // The result of the view that is chosen, recognized first where it is not there; what is stored has one view.
  see() {
    if (!this.results.size) return;
    if (!this.results.has(view.which) && this.blob) {
      if (!waiting.includes(this)) waiting.push(this);
      this.wait("waiting");
      work();
      return;
    }
    this.work.remove();
    this.which = this.results.has(view.which) ? view.which : this.results.keys().next().value;
    this.found = this.results.get(this.which);
    this.over = overTime(this.found);
    this.drawn = drawn(this.over);
    if (this.timeline) this.judge();
    else {
      this.recording = this.judged();
      const data = { recording: this.recording, activity: this.drawn };
      this.timeline = new Timeline({
        article: this.article, box: this.box, name: this.name, data, labels, audio: this.audio ?? null,
      });
      this.hide();
    }
  }

  judged() {
    const known = engine.views[this.which].labels;
    const thresholds = Object.fromEntries(this.found.labels.map((one, i) => [one.label, limit(one, known[i])]));
    return withThresholds(this.found, this.over, known, thresholds);
  }

  // After the slider: the same scores, other thresholds.
  judge() {
    if (!this.timeline) return;
    this.recording = this.judged();
    this.timeline.update({ recording: this.recording, activity: this.drawn });
    this.hide();
  }

  hide() {
    if (!this.timeline) return;
    for (const [row] of this.timeline.rows) row.hidden = view.hidden.has(row.dataset.label);
  }

  menu() {
    const menu = make("details", "menu"), summary = make("summary", "", "Download"), list = make("div");
    summary.setAttribute("aria-label", `Download ${this.name}`);
    for (const [name, { name: shown }] of Object.entries({ ...FORMATS, png: { name: "Picture (PNG)" }, html: { name: "Page (HTML)" } })) {
      const button = make("button", "", shown);
      button.type = "button";
      button.dataset.format = name;
      button.addEventListener("click", async () => {
        menu.open = false;
        summary.focus();
        try {
          await this.download(name);
        } catch (error) {
          status(`${this.name}: ${error.message}`);
        }
      });
      list.append(button);
    }
    menu.append(summary, list);
    menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
    });
    menu.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      menu.open = false;
      summary.focus();
    });
    return menu;
  }

  async download(name) {
    const wanted = new Set(labels.map((one) => one.label).filter((label) => !view.hidden.has(label)));
    const recording = only(this.recording, wanted);
    if (name === "png" || name === "html") {
      const rows = recording.labels.map((one) => this.recording.labels.findIndex((other) => other.label === one.label));
      const { cells } = this.drawn, levels = new Uint8Array(cells * rows.length);
      rows.forEach((from, to) => levels.set(this.drawn.levels.subarray(from * cells, (from + 1) * cells), to * cells));
      const part = { ...this.drawn, levels };
      if (name === "png") save(await picture(recording, part, colors), `${this.name}.timeline.png`);
      else {
        const shell = await (await fetch("page/report-shell.json")).json();
        save(new Blob([await report(shell, labels, recording, part, this.blob)], { type: "text/html" }), `${this.name}.html`);
      }
      return;
    }
    const { suffix, type, write } = FORMATS[name];
    save(new Blob([write(recording, engine.model.version)], { type }), `${this.name}${suffix}`);
  }

  remove() {
    this.stopper.abort(new DOMException("removed", "AbortError"));
    if (Timeline.current === this.timeline) Timeline.current = null;
    if (this.audio) {
      this.audio.pause();
      URL.revokeObjectURL(this.audio.src);
    }
    const next = this.article.nextElementSibling ?? this.article.previousElementSibling;
    this.article.remove();
    entries.splice(entries.indexOf(this), 1);
    (next?.querySelector("button, summary") ?? byId("files")).focus();
    summarize();
  }
}

// Several at once, in the order in which they came.
const waiting = [];
let nRunning = 0;
const work = async () => {
  while (waiting.length && nRunning < AT_ONCE) {
    const entry = waiting.shift(), { which } = view;
    if (entry.stopper.signal.aborted || entry.results.has(which)) continue;
    nRunning += 1;
    const progress = (...step) => entry.progress(...step);
    engine.recognize(entry.blob, { view: which, progress, signal: entry.stopper.signal })
      .then((recording) => entry.show(recording, which))
      .catch((error) => {
        if (error.name !== "AbortError") entry.fail(error.message);
      })
      .finally(() => {
        nRunning -= 1;
        summarize();
        work();
      });
  }
};

const add = (files) => {
  for (const file of files) waiting.push(new Entry(file.name, file));
  summarize();
  work();
};

const summarize = () => {
  const done = entries.filter((one) => one.timeline);
  byId("tools").hidden = byId("labels").hidden = !done.length;
  const seconds = done.reduce((sum, one) => sum + one.found.duration, 0);
  byId("summary").textContent = `${counted(done.length, "recording")}, ${clock(seconds)}`;
  for (const button of byId("labels").querySelectorAll("button")) {
    const n = done.filter((one) => one.recording.instruments.includes(button.dataset.label)).length;
    button.querySelector(".soft").textContent = n;
    const isSeen = done.some(({ recording }) => recording.labels.some((one) => one.label === button.dataset.label && isShown(one)));
    button.parentNode.classList.toggle("none", !n && !isSeen);
    button.querySelector("b").style.width = `${(100 * n) / Math.max(1, done.length)}%`;
  }
};

const labelButtons = () => {
  for (const { label, name, kind, tentative } of labels) {
    const item = make("li", `${kind}${tentative ? " tentative" : ""}`), button = make("button"), bar = make("i");
    bar.append(make("b"));
    button.type = "button";
    button.dataset.label = label;
    button.setAttribute("aria-pressed", "true");
    button.append(make("span", "", name), make("span", "soft", "0"), bar);
    button.addEventListener("click", () => {
      const isShown = !view.hidden.delete(label);
      if (isShown) view.hidden.add(label);
      button.setAttribute("aria-pressed", String(!isShown));
      for (const entry of entries) entry.hide();
    });
    item.append(button);
    byId("labels").append(item);
  }
};

const tools = () => {
  const slider = byId("threshold"), presets = byId("presets"), tentative = byId("tentative");
  const again = () => {
    for (const entry of entries) entry.judge();
    summarize();
  };
  for (const name of Object.keys(engine.views[0].labels[0].presets)) presets.append(new Option(name, name));
  presets.addEventListener("change", () => {
    view.preset = presets.value;
    again();
  });
  tentative.parentNode.hidden = engine.views.length === 1;
  tentative.addEventListener("change", () => {
    view.which = Number(tentative.checked);
    document.body.classList.toggle("with-tentative", tentative.checked);
    for (const entry of entries) entry.see();
    summarize();
  });
  slider.addEventListener("input", () => {
    view.by = Number(slider.value);
    const away = Math.abs(view.by).toFixed(1);
    const text = view.by ? `${away} ${view.by > 0 ? "stricter" : "looser"}` : "as they are";
    byId("threshold-value").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    again();
  });
  byId("all").addEventListener("change", ({ target }) => document.body.classList.toggle("all", target.checked));
  addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, button, audio, summary, a, dialog") || !Timeline.current) return;
    if ([" ", "ArrowLeft", "ArrowRight"].includes(event.key)) Timeline.current.key(event);
  });
  let late;
  addEventListener("resize", () => {
    clearTimeout(late);
    late = setTimeout(() => entries.forEach((entry) => entry.timeline?.ticks()), 150);
  });
};

const input = () => {
  const files = byId("files");
  files.addEventListener("change", () => {
    add(files.files);
    files.value = "";
  });
  let depth = 0;
  const drag = (by) => document.body.classList.toggle("dragging", (depth = Math.max(0, depth + by)) > 0);
  addEventListener("dragenter", () => drag(1));
  addEventListener("dragleave", () => drag(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    drag(0);
    add(event.dataTransfer.files);
  });
};

const recorder = () => {
  const button = byId("record");
  let running = null, n = 0;
  if (!navigator.mediaDevices || !window.MediaRecorder) button.hidden = true;
  button.addEventListener("click", async () => {
    if (running) {
      running.stop();
      return;
    }
    try {
      const stream = await microphone();
      const parts = [];
      running = new MediaRecorder(stream);
      running.addEventListener("dataavailable", ({ data }) => parts.push(data));
      running.addEventListener("stop", () => {
        const type = running.mimeType, suffix = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
        stream.getTracks().forEach((track) => track.stop());
        running = null;
        n += 1;
        button.textContent = "Record";
        button.setAttribute("aria-pressed", "false");
        add([new File(parts, `recording ${n}.${suffix}`, { type })]);
      });
      running.start();
      button.textContent = "Stop";
      button.setAttribute("aria-pressed", "true");
      status("");
    } catch (error) {
      running = null;
      status(`The microphone cannot be used: ${error.message}`);
    }
  });
};

const open = async () => {
  const { openEngine } = await import(isStatic ? "./browser-engine.js" : "./server-engine.js");
  engine = await openEngine(askToken);
  colors = Object.fromEntries(engine.views[engine.views.length - 1].labels.map((one) => [one.label, one.color]));
  labels = await (await fetch("page/labels.json")).json();
  labelButtons();
  tools();
  input();
  recorder();
  openLive(engine, labels, { which: () => view.which, limit }, status);
  if (engine.hasLibrary) {
    openLibrary(engine, async (one) => {
      const entry = new Entry(one.name);
      entry.step.textContent = "loading";
      try {
        entry.show(await engine.stored(one.id), 0);
      } catch (error) {
        entry.fail(error.message);
      }
      summarize();
      entry.article.scrollIntoView({ block: "nearest" });
    });
  }
  root.classList.add("ready");
};

if (isStatic && "serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
open().catch((error) => status(`The page cannot start: ${error.message}`));
