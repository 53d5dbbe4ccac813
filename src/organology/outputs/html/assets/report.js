// The report of many recordings: their timelines, drawn as they come near, and what filters and orders them.

import { Timeline, clock, counted, make } from "./timeline.js";

const root = document.documentElement;
const main = document.querySelector("main");
const articles = [...document.querySelectorAll(".rec")];
const allLabels = JSON.parse(document.getElementById("labels").textContent);
const views = new Map();

const nameOf = (article) => article.querySelector("h2").textContent.trim();
const labelsOf = (article) => article.dataset.labels.split(" ").filter(Boolean);
const dataOf = (article) => {
  if (!article.data) article.data = JSON.parse(article.querySelector('script[type="application/json"]').textContent);
  return article.data;
};

const viewOf = (article) => {
  if (!views.has(article)) {
    views.set(article, new Timeline({
      article, box: article.querySelector(".view"), name: nameOf(article), data: dataOf(article), labels: allLabels,
      audio: document.getElementById(article.dataset.audio || ""),
    }));
  }
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
  count.textContent = (n === articles.length ? "" : `${n} of `) + counted(articles.length, "recording");
};

const sort = () => {
  const by = order.value, sorted = [...articles];
  const number = new Intl.Collator(undefined, { numeric: true });
  if (by === "name") sorted.sort((a, b) => number.compare(nameOf(a), nameOf(b)));
  else if (by === "long") sorted.sort((a, b) => b.dataset.seconds - a.dataset.seconds);
  else if (by === "short") sorted.sort((a, b) => a.dataset.seconds - b.dataset.seconds);
  else if (by !== "given") sorted.sort((a, b) => scoreOf(b, by) - scoreOf(a, by));
  const playing = Timeline.current && Timeline.current.playing() ? Timeline.current : null;
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
    button.title = `Only recordings with ${name}`;
    button.append(make("span", "", name), " ", make("span", "soft", String(n)), bar);
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
  if (event.target.closest("input, select, textarea, button, audio, summary, a") || !Timeline.current) return;
  if ([" ", "ArrowLeft", "ArrowRight"].includes(event.key)) Timeline.current.key(event);
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
