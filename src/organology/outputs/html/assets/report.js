"use strict";
(() => {
  const KEY_STEP = 5, LEAP = 30;
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const root = document.documentElement;
  const main = document.querySelector("main");
  const articles = [...document.querySelectorAll(".rec")];
  const allLabels = JSON.parse(document.getElementById("labels").textContent);
  const about = new Map(allLabels.map((one) => [one.label, one]));
  const views = new Map();
  let current = null;

  const make = (tag, kind, text) => {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const seen = new Map();
  const colorOf = (kind) => {
    if (!seen.has(kind)) {
      const probe = make("i", kind);
      root.append(probe);
      seen.set(kind, getComputedStyle(probe).getPropertyValue("--color").trim());
      probe.remove();
    }
    return seen.get(kind);
  };
  const two = (n) => String(n).padStart(2, "0");
  const clock = (seconds, tenths) => {
    const unit = tenths ? 10 : 1;
    const ticks = Math.round(seconds * unit), whole = Math.floor(ticks / unit);
    const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
    return (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`) + (tenths ? `.${ticks % unit}` : "");
  };
  const nameOf = (article) => article.querySelector("h2").textContent.trim();
  const labelsOf = (article) => article.dataset.labels.split(" ").filter(Boolean);
  const dataOf = (article) => {
    if (!article.data) article.data = JSON.parse(article.querySelector('script[type="application/json"]').textContent);
    return article.data;
  };

  // One recording's timeline and player.
  class View {
    constructor(article) {
      this.article = article;
      const { recording, activity } = dataOf(article);
      this.recording = recording;
      this.duration = recording.duration;
      this.at = 0;
      this.audio = document.getElementById(article.dataset.audio || "");
      this.box = article.querySelector(".view");
      this.grid = make("div", "grid");
      this.grid.append(this.table(activity), this.seeker());
      this.box.replaceChildren(this.grid);
      if (this.audio) this.listen();
      this.show(0);
      this.ticks();
    }

    table(activity) {
      const table = make("table");
      table.append(make("caption", "sr", `Instruments over time: ${nameOf(this.article)}`));
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
      const body = make("tbody");
      const levels = Uint8Array.from(atob(activity.levels), (c) => c.charCodeAt(0));
      const shown = new Set();
      for (const one of this.recording.labels) {
        if (!one.plays && !one.segments.length) continue;
        for (let at = one.label; about.has(at) && !shown.has(at); at = about.get(at).parent) shown.add(at);
      }
      this.rows = [];
      const here = this.recording.labels;
      for (const { label } of allLabels) {
        const i = here.findIndex((one) => one.label === label);
        if (i < 0) continue;
        const line = this.row(here[i], levels.subarray(i * activity.cells, (i + 1) * activity.cells), activity.cell_seconds);
        if (!shown.has(label)) line.classList.add("quiet");
        body.append(line);
      }
      if (!shown.size) {
        const line = make("tr"), cell = make("td", "soft", "No instrument was recognized.");
        cell.colSpan = 3;
        line.append(cell);
        body.append(line);
      }
      table.append(columns, head, body);
      return table;
    }

    row(one, levels, cellSeconds) {
      const { parent, depth, kind } = about.get(one.label);
      const row = make("tr", `${kind} d${Math.min(depth, 3)} ${parent ? "" : "family"} ${one.plays ? "" : "idle"}`);
      row.dataset.label = one.label;
      const head = make("th", "", one.name);
      if (!one.plays && one.segments.length) head.append(" ", make("small", "", "briefly"));
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
      const spans = one.segments.slice(0, 50).map((s) => `${clock(s.start)} to ${clock(s.end)}`);
      const more = one.segments.length > 50 ? `, and ${one.segments.length - 50} more` : "";
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
      const attributes = { role: "slider", "aria-label": `Position in ${nameOf(this.article)}`, "aria-valuemin": 0 };
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
      const mine = () => current === this;
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
      this.button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${nameOf(this.article)}`);
      if (playing) this.follow();
    }

    playing() { return current === this && !!this.audio && !this.audio.paused && !this.audio.ended; }

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
      if (current === this) return;
      if (current) {
        if (current.audio) current.audio.pause();
        current.article.classList.remove("current");
        const left = current;
        current = this;
        if (left.audio) left.state();
      }
      current = this;
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
        const now = current === this && segments.some((s) => s.start <= this.at && this.at < s.end);
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

  const viewOf = (article) => {
    if (!views.has(article)) views.set(article, new View(article));
    return views.get(article);
  };

  // Drawn when they come near.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const isShown = !root.classList.contains("list") || target.classList.contains("open");
      if (isIntersecting && isShown) {
        viewOf(target);
        near.unobserve(target);
      }
    }
  }, { rootMargin: "800px 0px" });
  const watch = () => {
    near.disconnect();
    for (const article of articles) if (!views.has(article)) near.observe(article);
  };

  // Toolbar: filter, labels, order.
  const find = document.getElementById("find"), order = document.getElementById("order");
  const count = document.getElementById("count"), overview = document.querySelector(".overview");
  const pressed = new Set();
  const words = new Map(articles.map((article) => [
    article, `${nameOf(article)} ${article.dataset.labels} ${article.dataset.labels.replaceAll("_", " ")}`.toLowerCase(),
  ]));
  const scoreOf = (article, label) => dataOf(article).recording.labels.find((one) => one.label === label)?.score ?? 0;

  const filter = () => {
    const asked = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const article of articles) {
      const labels = labelsOf(article), text = words.get(article);
      const fits = asked.every((word) => text.includes(word)) && [...pressed].every((label) => labels.includes(label));
      article.hidden = !fits;
      n += fits;
    }
    count.textContent = n === articles.length ? `${n} recordings` : `${n} of ${articles.length} recordings`;
  };

  const sort = () => {
    const by = order.value, sorted = [...articles];
    const number = new Intl.Collator(undefined, { numeric: true });
    if (by === "name") sorted.sort((a, b) => number.compare(nameOf(a), nameOf(b)));
    else if (by === "long") sorted.sort((a, b) => b.dataset.seconds - a.dataset.seconds);
    else if (by === "short") sorted.sort((a, b) => a.dataset.seconds - b.dataset.seconds);
    else if (by !== "given") sorted.sort((a, b) => scoreOf(b, by) - scoreOf(a, by));
    const playing = current && current.playing() ? current : null;
    main.append(...sorted);
    if (playing) playing.audio.play().catch(() => playing.state());
  };

  const tools = () => {
    const counts = new Map(allLabels.map(({ label }) => [label, 0]));
    for (const article of articles) for (const label of labelsOf(article)) counts.set(label, counts.get(label) + 1);
    for (const { label, name, kind } of allLabels) {
      const n = counts.get(label), item = make("li", kind), button = make("button", n ? "" : "none");
      const bar = make("i"), fill = make("b");
      fill.style.width = `${(100 * n) / articles.length}%`;
      bar.append(fill);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", `Only recordings with ${name}: ${n}`);
      button.append(make("span", "", name), make("span", "soft", String(n)), bar);
      button.addEventListener("click", () => {
        pressed[pressed.has(label) ? "delete" : "add"](label);
        button.setAttribute("aria-pressed", String(pressed.has(label)));
        filter();
      });
      item.append(button);
      overview.append(item);
      order.append(new Option(`score: ${name}`, label));
    }
    overview.hidden = articles.length < 2;
    find.addEventListener("input", filter);
    order.addEventListener("change", sort);
    document.getElementById("all").addEventListener("change", (event) => {
      document.body.classList.toggle("all", event.target.checked);
    });
    document.getElementById("list").addEventListener("change", (event) => {
      root.classList.toggle("list", event.target.checked);
      for (const article of articles) article.classList.remove("open");
      watch();
    });
    document.querySelector(".tools").hidden = !articles.length;
    if (articles.length < 2) [find, order.parentNode, count, document.getElementById("list").parentNode].forEach((node) => (node.hidden = true));
    filter();
  };

  const summary = () => {
    const seconds = articles.reduce((sum, article) => sum + Number(article.dataset.seconds), 0);
    const failed = document.querySelectorAll(".failures tbody tr").length;
    const parts = [`${articles.length} recording${articles.length === 1 ? "" : "s"}`, clock(seconds)];
    const line = document.getElementById("summary");
    line.textContent = parts.join(", ");
    if (failed) {
      const link = make("a", "", `${failed} file${failed === 1 ? "" : "s"} could not be read`);
      link.href = "#failures";
      line.append(", ", link);
    }
  };

  main.addEventListener("click", (event) => {
    const link = event.target.closest("h2 a");
    if (!link || !root.classList.contains("list")) return;
    const article = link.closest(".rec");
    article.classList.toggle("open");
    if (article.classList.contains("open")) viewOf(article).ticks();
    link.setAttribute("aria-expanded", String(article.classList.contains("open")));
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, button, audio, summary, a") || !current) return;
    if ([" ", "ArrowLeft", "ArrowRight"].includes(event.key)) current.key(event);
  });
  let late;
  addEventListener("resize", () => {
    clearTimeout(late);
    late = setTimeout(() => views.forEach((view) => view.ticks()), 150);
  });
  addEventListener("beforeprint", () => {
    if (!root.classList.contains("list")) articles.filter((article) => !article.hidden).forEach((article) => viewOf(article));
  });

  root.classList.add("js");
  tools();
  summary();
  watch();
})();
