// A field above the tables of a page that asks for it (<div data-filter-tables>): rows without the words are hidden.
(() => {
  const start = () => {
    const place = document.querySelector("[data-filter-tables]");
    if (!place || place.childElementCount) return;
    const field = Object.assign(document.createElement("input"), {
      type: "search", placeholder: place.dataset.filterTables, autocomplete: "off",
    });
    field.setAttribute("aria-label", place.dataset.filterTables);
    field.style.cssText = "width:100%;padding:.5em .8em;border:1px solid;border-radius:.2em;background:none;color:inherit;font:inherit";
    const count = document.createElement("p");
    count.setAttribute("role", "status");
    place.append(field, count);
    const tables = [...document.querySelectorAll("article table")];
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += !row.hidden;
      });
      for (const table of tables) {
        const box = table.closest(".md-typeset__scrollwrap") || table;
        box.hidden = [...table.tBodies[0].rows].every((row) => row.hidden);
      }
      count.textContent = words.length ? `${shown} rows` : "";
    });
  };
  if (window.document$) window.document$.subscribe(start); else start();
})();
