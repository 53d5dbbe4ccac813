// The recordings of the server's store, found by what plays in them.

import { clock, counted, make } from "./timeline.js";

export const openLibrary = (engine, show) => {
  const byId = (id) => document.getElementById(id);
  const list = byId("found"), count = byId("found-count"), query = byId("query");
  const names = new Map(engine.views[engine.views.length - 1].labels.map((one) => [one.label, one.name]));

  const item = (one) => {
    const row = make("li"), button = make("button");
    button.type = "button";
    const plays = one.instruments.map((label) => names.get(label) ?? label).join(", ");
    button.append(make("strong", "", one.name), make("span", "soft", clock(one.duration)), make("span", "soft", plays || "nothing"));
    button.addEventListener("click", () => show(one));
    row.append(button);
    return row;
  };

  const find = async () => {
    try {
      const { total, recordings } = await engine.find(query.value);
      list.replaceChildren(...recordings.map(item));
      const more = recordings.length < total ? `, the first ${recordings.length} are shown` : "";
      count.textContent = `${counted(total, "recording")}${more}`;
    } catch (error) {
      list.replaceChildren();
      count.textContent = error.message;
    }
  };

  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  byId("library").hidden = false;
  find();
};
