// Draws the figures, makes the tables sort and filter, and opens the card of a number.

const parse = (element) => JSON.parse(element.textContent);

// Figures: a choice of the menu is one figure a panel.
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

// All choices but the first hold only what differs from it.
function merged(first, changes) {
  const lists = Array.isArray(first) && Array.isArray(changes) && first.length === changes.length;
  if (lists && changes.every((entry) => entry !== null && typeof entry === "object" && !Array.isArray(entry)))
    return first.map((entry, i) => merged(entry, changes[i]));
  if (first === null || changes === null || typeof first !== "object" || typeof changes !== "object") return changes;
  if (Array.isArray(first) || Array.isArray(changes)) return changes;
  return { ...first, ...Object.fromEntries(Object.entries(changes).map(([k, v]) => [k, merged(first[k] ?? null, v)])) };
}

function drawFigure(figure, number) {
  const place = figure.dataset.source ? document.getElementById(figure.dataset.source) : figure;
  place.choices ??= parse(place.querySelector("script"));
  const [, first] = place.choices[0];
  const panels = number ? merged(first, place.choices[number][1]) : first;
  // A copy: plotly writes into what it draws.
  figure.querySelectorAll(".plot").forEach((div, i) => Plotly.react(div, ...structuredClone([panels[i].data, panels[i].layout]), CONFIG));
}

document.querySelectorAll("figure.plots").forEach((figure) => {
  const menu = figure.querySelector("select");
  drawFigure(figure, menu ? menu.selectedIndex : 0);
  menu?.addEventListener("change", () => drawFigure(figure, menu.selectedIndex));
});

// On paper two panels stand side by side, whatever the window was.
const [WIDE, HALF] = [1000, 500];
const everyPlot = (change) => document.querySelectorAll(".plot").forEach((div) => Plotly.relayout(div, change(div)));
const alone = (div) => div.parentElement.children.length === 1 && !div.closest(".pair");
window.addEventListener("beforeprint", () => everyPlot((div) => ({ width: alone(div) ? WIDE : HALF, autosize: false })));
window.addEventListener("afterprint", () => everyPlot(() => ({ width: null, autosize: true })));

// Tables.
const bytes = Uint8Array.from(atob(document.getElementById("datatables").textContent), (c) => c.charCodeAt(0));
const address = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
const { jQuery: $ } = await import(address);
URL.revokeObjectURL(address);
const DataTable = $.fn.dataTable;

const LONG = 12; // rows from which a table has a search box
const COMMON = {
  autoWidth: false,
  columnControl: [["orderAsc", "orderDesc", "spacer", "search"]],
  language: { search: "Filter:", info: "_TOTAL_ of _MAX_ rows", infoFiltered: "", infoEmpty: "no row", zeroRecords: "no row fits" },
  order: [],
  ordering: { indicators: true, handler: true },
  paging: false,
};

document.querySelectorAll("table.grid").forEach((table) => {
  const long = table.tBodies[0].rows.length > LONG;
  const layout = { topStart: long ? "search" : null, topEnd: long ? "info" : null, bottomStart: null, bottomEnd: null };
  $(table).DataTable({ ...COMMON, layout });
});

document.querySelectorAll(".verdicts").forEach((group) => {
  const table = $(`#${group.dataset.table}`).DataTable();
  const show = (verdict) => {
    const words = (shown) => shown.replace(/<[^>]*>/g, "").replace(/^\s*\S+\s+/, "").trim(); // without the sign
    const fits = (shown) => (verdict === "answered" ? words(shown) !== "not attempted" : words(shown) === verdict);
    table.column(0).search.fixed("verdict", verdict ? fits : null).draw();
    group.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.verdict === verdict)));
  };
  group.addEventListener("click", (event) => event.target.dataset.verdict !== undefined && show(event.target.dataset.verdict));
  show("answered");
});

const numbers = parse(document.getElementById("numbers-data"));
const LISTED = new Set(["study", "metric", "definition", "resolution", "estimator", "searcher", "truth"]);
$("#all-numbers").DataTable({
  ...COMMON,
  data: numbers.rows,
  deferRender: true,
  paging: true,
  pageLength: 25,
  lengthMenu: [25, 100, 1000],
  layout: { topStart: "search", topEnd: "info", bottomStart: "pageLength", bottomEnd: "paging" },
  columns: numbers.columns.map((name) => ({
    defaultContent: "",
    columnControl: [["orderAsc", "orderDesc", "spacer", LISTED.has(name) ? "searchList" : "search"]],
    render:
      name === "value"
        ? (value, type, row, meta) =>
            type === "display" ? `<button type="button" class="number" data-row="${meta.row}">${value}</button>` : value
        : null,
  })),
});

// The card of a number.
const card = document.getElementById("card");
const put = (id, text) => (document.getElementById(id).textContent = text);
const PERCENT = new Set(["found_accuracy", "best_found_accuracy", "regret"]);

function say(number) {
  const row = Object.fromEntries(numbers.columns.map((name, i) => [name, numbers.rows[number][i]]));
  const file = numbers.files[row.study];
  const [factor, unit] = PERCENT.has(row.metric) ? [100, " %"] : [1, ""];
  const shown = (value) => Number((value * factor).toPrecision(4));
  const interval = row.low === null ? "" : ` [${shown(row.low)}, ${shown(row.high)}]`;
  const others = row.sampled === null ? "" : `, ± ${shown(row.sampled)}${unit} on other architectures`;
  const value = `${shown(row.value)}${interval}${unit}, n = ${row.n}${others}`;
  const kind = [row.metric, row.definition && `(${row.definition})`].filter(Boolean).join(" ");
  const by = [row.estimator && `by ${row.estimator}`, row.searcher && `found by ${row.searcher}`].filter(Boolean).join(", ");
  put("card-title", `${kind}: ${row.method}`);
  put("card-value", value);
  const facts = document.getElementById("card-facts");
  facts.replaceChildren();
  for (const name of numbers.columns.filter((name) => row[name] !== null && !["value", "low", "high"].includes(name))) {
    facts.append(Object.assign(document.createElement("dt"), { textContent: name }));
    facts.append(Object.assign(document.createElement("dd"), { textContent: row[name] }));
  }
  for (const [name, text] of [["file", file.metrics], ["sha256", file.sha256]]) {
    facts.append(Object.assign(document.createElement("dt"), { textContent: name }));
    facts.append(Object.assign(document.createElement("dd"), { textContent: text }));
  }
  const bins = row.resolution === null ? "" : `, resolution ${row.resolution}`;
  const when = row.epoch === null ? "" : `, epoch ${row.epoch}`;
  put(
    "card-cite",
    `${kind}${bins}, ${[by, row.method, `study ${row.study}`, `scale ${numbers.scale}`, `against ${row.truth} accuracy`].filter(Boolean).join(", ")}${when}: ${value}.`,
  );
  put("card-command", `make adopt   # in a clone: nothing is trained again\n${file.command}`);
  const where = numbers.columns
    .filter((name) => !["value", "low", "high", "sampled", "n", "study", "iteration"].includes(name))
    .map((name) => (row[name] === null ? `${name}.isna()` : `${name} == ${JSON.stringify(row[name])}`));
  put(
    "card-python",
    `import pandas as pd\n\nrows = pd.read_parquet("${file.metrics}")\nprint(rows.query('seed.isna() and ${where.join(" and ")}'))`,
  );
  card.showModal();
}

const flash = (button) => {
  button.textContent = "copied";
  setTimeout(() => (button.textContent = "copy"), 1200);
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.row !== undefined) say(Number(button.dataset.row));
  const from = button.id.startsWith("card-copy-") && document.getElementById(button.id.replace("copy-", ""));
  const text = button.dataset.copy ?? (from && from.textContent);
  if (text) navigator.clipboard.writeText(text).then(() => flash(button));
});
document.documentElement.dataset.ready = "true"; // for tests: everything is drawn
