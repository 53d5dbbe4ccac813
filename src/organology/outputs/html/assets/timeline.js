// One recording's timeline: a row a label, with shades of its score over time and bars where it plays, a cursor that
// moves by pointer and keys, and a player that it follows. Both the report and the page of `organology serve` show it.

const KEY_STEP = 5, LEAP = 30, MOST_SPANS = 50;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

export const make = (tag, kind, text) => {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
};

// The color of a class of labels, as the style sheet has it.
const seen = new Map();
export const colorOf = (kind) => {
  if (!seen.has(kind)) {
    const probe = make("i", kind);
    document.documentElement.append(probe);
    seen.set(kind, getComputedStyle(probe).getPropertyValue("--color").trim());
    probe.remove();
  }
  return seen.get(kind);
};

// Plays for a while, not in the recording as a whole: `RecognitionData.brief`.
const isBrief = (one) => !one.plays && one.segments.length > 0 && one.score >= one.threshold / 2;

// Has a row of its own, whether or not all labels are asked for.
export const isShown = (one) => one.plays || isBrief(one);

export const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

const two = (n) => String(n).padStart(2, "0");

export const clock = (seconds, tenths) => {
  const unit = tenths ? 10 : 1;
  const ticks = Math.round(seconds * unit), whole = Math.floor(ticks / unit);
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
  return (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`) + (tenths ? `.${ticks % unit}` : "");
};

const bytesOf = (levels) => (typeof levels === "string" ? Uint8Array.from(atob(levels), (c) => c.charCodeAt(0)) : levels);

export class Timeline {
  static current = null;

  // article: the element around it; box: where it is drawn; name: for people; data: { recording, activity } as in the
  // report; labels: all labels in the order of rows, [{ label, name, parent, depth, kind }]; audio: an audio element,
  // or null.
  constructor({ article, box, name, data, labels, audio }) {
    Object.assign(this, { article, box, name, labels, audio });
    this.about = new Map(labels.map((one) => [one.label, one]));
    this.recording = data.recording;
    this.duration = data.recording.duration;
    this.at = 0;
    this.grid = make("div", "grid");
    this.body = make("tbody");
    this.grid.append(this.table(), this.seeker());
    this.box.replaceChildren(this.grid);
    this.update(data);
    if (this.audio) this.listen();
    this.ticks();
  }

  // Draw other results of the same recording; the player and the cursor stay.
  update({ recording, activity }) {
    this.recording = recording;
    this.body.replaceChildren(...this.lines(activity));
    this.show(this.at);
  }

  table() {
    const table = make("table");
    table.append(make("caption", "sr", `Instruments over time: ${this.name}`));
    const columns = make("colgroup");
    columns.append(make("col", "c-name"), make("col"), make("col", "c-score"));
    const head = make("thead"), row = make("tr"), first = make("th"), score = make("th", "score", "score");
    score.append(make("span", "wide", " / threshold"));
    const player = make("div", "player");
    if (this.audio) {
      this.button = make("button", "play");
      this.button.type = "button";
      this.button.addEventListener("click", () => this.toggle());
      player.append(this.button);
    }
    this.clock = make("span", "clock");
    player.append(this.clock);
    first.append(player);
    const when = make("th");
    when.append(make("span", "sr", "when"));
    row.append(first, when, score);
    head.append(row);
    table.append(columns, head, this.body);
    return table;
  }

  lines(activity) {
    const levels = bytesOf(activity.levels);
    const here = this.recording.labels, shown = new Set(), lines = [];
    for (const one of here) {
      if (!isShown(one)) continue;
      for (let at = one.label; this.about.has(at) && !shown.has(at); at = this.about.get(at).parent) shown.add(at);
    }
    this.rows = [];
    for (const { label } of this.labels) {
      const i = here.findIndex((one) => one.label === label);
      if (i < 0) continue;
      const line = this.row(here[i], levels.subarray(i * activity.cells, (i + 1) * activity.cells), activity.cell_seconds);
      if (!shown.has(label)) line.classList.add("quiet");
      lines.push(line);
    }
    if (!shown.size) {
      const line = make("tr"), cell = make("td", "soft", "No instrument was recognized.");
      cell.colSpan = 3;
      line.append(cell);
      lines.push(line);
    }
    return lines;
  }

  row(one, levels, cellSeconds) {
    const { parent, depth, kind } = this.about.get(one.label);
    const row = make("tr", `${kind} d${Math.min(depth, 3)} ${parent ? "" : "family"} ${one.plays ? "" : "idle"}`);
    row.dataset.label = one.label;
    const head = make("th", "", one.name);
    if (isBrief(one)) head.append(" ", make("small", "", "briefly"));
    head.scope = "row";
    head.title = one.name;
    const cell = make("td"), track = make("div", "track");
    track.append(this.shades(levels, cellSeconds, kind));
    for (const segment of one.segments) {
      const bar = make("b");
      bar.style.left = `${(100 * segment.start) / this.duration}%`;
      bar.style.width = `${(100 * (segment.end - segment.start)) / this.duration}%`;
      bar.title = `${one.name} ${clock(segment.start)}\u2013${clock(segment.end)}, ${segment.score.toFixed(2)}`;
      track.append(bar);
    }
    const spans = one.segments.slice(0, MOST_SPANS).map((s) => `${clock(s.start)} to ${clock(s.end)}`);
    const more = one.segments.length > MOST_SPANS ? `, and ${one.segments.length - MOST_SPANS} more` : "";
    cell.append(track, make("span", "sr", spans.join(", ") + more || "never"));
    const score = make("td", "score");
    score.title = `score ${one.score.toFixed(3)}, threshold ${one.threshold.toFixed(3)}` + (one.plays ? ": plays" : "");
    const meter = make("span", "meter"), fill = make("b"), mark = make("u");
    fill.style.width = `${100 * one.score}%`;
    mark.style.left = `${100 * one.threshold}%`;
    meter.append(fill, mark);
    meter.setAttribute("aria-hidden", "true");
    score.append(make("strong", "", one.score.toFixed(2)), make("small", "", ` / ${one.threshold.toFixed(2)}`), meter);
    row.append(head, cell, score);
    this.rows.push([row, one.segments]);
    return row;
  }

  // Scores as shades: a pixel a cell, stretched by the style sheet, so nothing is drawn again at another width.
  shades(levels, cellSeconds, kind) {
    const canvas = make("canvas");
    canvas.width = levels.length;
    canvas.height = 1;
    canvas.style.width = `${(100 * levels.length * cellSeconds) / this.duration}%`;
    canvas.setAttribute("aria-hidden", "true");
    const color = colorOf(kind);
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
    const context = canvas.getContext("2d"), image = context.createImageData(levels.length, 1);
    levels.forEach((level, i) => image.data.set([r, g, b, Math.round(255 * 0.9 * (level / 255) ** 1.2)], 4 * i));
    context.putImageData(image, 0, 0);
    return canvas;
  }

  seeker() {
    const seek = (this.seek = make("div", "seek"));
    seek.tabIndex = 0;
    const attributes = { role: "slider", "aria-label": `Position in ${this.name}`, "aria-valuemin": 0 };
    for (const [name, value] of Object.entries(attributes)) seek.setAttribute(name, value);
    seek.setAttribute("aria-valuemax", this.duration.toFixed(1));
    this.axis = make("div");
    this.axis.setAttribute("aria-hidden", "true");
    this.cursor = make("div", "cursor");
    this.hover = make("div", "hover");
    this.hover.hidden = true;
    this.hover.append(make("span"));
    seek.append(this.axis, this.cursor, this.hover);
    const time = (event) => {
      const place = seek.getBoundingClientRect();
      return this.duration * Math.min(1, Math.max(0, (event.clientX - place.left) / place.width));
    };
    seek.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      seek.setPointerCapture(event.pointerId);
      this.go(time(event));
    });
    seek.addEventListener("pointermove", (event) => {
      const at = time(event);
      this.hover.hidden = false;
      this.hover.style.left = `${(100 * at) / this.duration}%`;
      this.hover.firstChild.textContent = clock(at, this.duration < 600);
      if (event.buttons & 1 && seek.hasPointerCapture(event.pointerId)) this.go(at);
    });
    seek.addEventListener("pointerleave", () => (this.hover.hidden = true));
    seek.addEventListener("keydown", (event) => this.key(event));
    return seek;
  }

  listen() {
    const audio = this.audio;
    const mine = () => Timeline.current === this;
    const state = () => mine() && this.state();
    for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, state);
    audio.addEventListener("seeked", () => mine() && this.show(audio.currentTime));
    audio.addEventListener("timeupdate", () => mine() && !audio.seeking && this.show(audio.currentTime));
    audio.addEventListener("error", () => this.fail());
    this.state();
  }

  state() {
    const playing = this.playing();
    this.button.setAttribute("aria-pressed", String(playing));
    this.button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.name}`);
    if (playing) this.follow();
  }

  playing() { return Timeline.current === this && !!this.audio && !this.audio.paused && !this.audio.ended; }

  follow() {
    if (this.following) return;
    const step = () => {
      this.following = this.playing();
      if (!this.following) return;
      if (!this.audio.seeking) this.show(this.audio.currentTime);
      requestAnimationFrame(step);
    };
    this.following = true;
    requestAnimationFrame(step);
  }

  fail() {
    if (this.failed) return;
    this.failed = true;
    this.button.disabled = true;
    this.box.prepend(make("p", "note", "The audio cannot be played here: it was moved, or this browser cannot decode it."));
  }

  take() {
    const left = Timeline.current;
    if (left === this) return;
    Timeline.current = this;
    if (left) {
      if (left.audio) left.audio.pause();
      left.article.classList.remove("current");
      if (left.audio) left.state();
    }
    this.article.classList.add("current");
    if (this.audio) this.place(this.at);
  }

  place(at) {
    const audio = this.audio;
    if (audio.readyState) audio.currentTime = at;
    else {
      this.wanted = at;
      if (this.waiting) return;
      this.waiting = true;
      audio.addEventListener("loadedmetadata", () => {
        this.waiting = false;
        audio.currentTime = this.wanted;
      }, { once: true });
      audio.preload = "metadata";
      audio.load();
    }
  }

  go(at) {
    this.take();
    this.show(Math.min(this.duration, Math.max(0, at)));
    if (this.audio) this.place(this.at);
  }

  toggle() {
    this.take();
    if (!this.audio || this.failed) return;
    if (this.playing()) this.audio.pause();
    else {
      if (this.at >= this.duration - 0.05) this.go(0);
      this.audio.play().catch(() => this.state());
    }
  }

  show(at) {
    this.at = Math.min(at, this.duration);
    const tenths = this.duration < 600;
    this.cursor.style.left = `${(100 * this.at) / this.duration}%`;
    this.clock.replaceChildren(clock(this.at, tenths), make("small", "soft", ` / ${clock(this.duration)}`));
    this.seek.setAttribute("aria-valuenow", this.at.toFixed(1));
    this.seek.setAttribute("aria-valuetext", `${clock(this.at)} of ${clock(this.duration)}`);
    for (const [row, segments] of this.rows) {
      const now = Timeline.current === this && segments.some((s) => s.start <= this.at && this.at < s.end);
      row.classList.toggle("now", now);
    }
  }

  key(event) {
    const by = { ArrowRight: KEY_STEP, ArrowUp: KEY_STEP, ArrowLeft: -KEY_STEP, ArrowDown: -KEY_STEP,
      PageUp: LEAP, PageDown: -LEAP, Home: -Infinity, End: Infinity }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (by !== undefined) this.go(this.at + (event.shiftKey ? by / 5 : by));
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  ticks() {
    const room = Math.max(1, Math.floor(this.seek.clientWidth / 62));
    const step = STEPS.find((one) => this.duration / one <= room) || STEPS[STEPS.length - 1];
    const marks = [];
    for (let i = 0; i * step < this.duration - step / 3 || !i; i += 1) {
      const mark = make("span", "tick", clock(i * step, step < 1));
      mark.style.left = `${(100 * i * step) / this.duration}%`;
      marks.push(mark);
    }
    this.axis.replaceChildren(...marks);
  }
}
