// Text of the pages, one below the other: rendered by Gradio's Markdowns, which go from page to page, or as Markdown or JSON.

import { all, el, eachFrame, setText } from "../common/dom.js";
import { selectedTask, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { tryAgainWith } from "../queue/again_with.js";
import { retry } from "../queue/row.js";
import { absent } from "./absent.js";
import { linkText, unlinkText } from "./boxes.js";
import { prepare } from "./markdown.js";
import { recordOf } from "./records.js";
import { Stack } from "./stack.js";
import { pane, written } from "./state.js";

const { part, flow } = pane;

// The height of pages that were not seen is that of the first ones: it is not changed again, so that the scrollbar rests.
const SAMPLE = 6;
// Rendering that changes nothing would never be told of.
const PATIENCE = 1500;

export function startFlow(/** @type {(gliding: boolean) => void} */ moved) {
  const text = written();
  text.append(part.column, part.new);
  part.new.append(/** @type {HTMLElement} */ (document.getElementById("mo-second")));
  flow.cells = all(text, ".block.mo-slot").map(makeCell);
  flow.stack = new Stack({ node: text, column: part.column, height: heightOf, open, close, resized, moved });
}

/** The texts of the Markdowns, in their order. */
export const flowTexts = () => flow.cells.map((cell) => cell.text);

export const cellOf = (/** @type {number} */ page) => flow.cells.find((cell) => cell.page === page);

function makeCell(/** @type {HTMLElement} */ slot) {
  const [number, side, pre, lack] = [el("p", { class: "mo-number" }), el("p", { class: "mo-side" }), el("pre", { class: "mo-raw" }), el("div")];
  lack.className = "mo-blank mo-lack";
  const node = el("section", { class: "mo-page" }, number, el("div", { class: "mo-now" }, side, slot, pre, lack));
  /** @type {FlowCell} */
  const cell = { page: null, node, number, side, slot, pre, lack, text: "", record: null, prepared: null, due: false, fresh: false };
  new MutationObserver(() => rendered(cell)).observe(slot, { childList: true, subtree: true });
  new ResizeObserver(() => measure(cell)).observe(node);
  return cell;
}

// ---- heights

const heightOf = (/** @type {number} */ page) => flow.heights.get(page) ?? flow.usual;

function measure(/** @type {FlowCell} */ cell) {
  const { page, node } = cell;
  const height = node.offsetHeight;
  if (page === null || !height || node.dataset.shows === "wait" || flow.heights.get(page) === height) return;
  flow.known &&= flow.heights.has(flow.stack?.anchor.page ?? 0);
  flow.heights.set(page, height);
  if (flow.heights.size <= SAMPLE) {
    flow.usual = Math.round([...flow.heights.values()].reduce((sum, each) => sum + each, 0) / flow.heights.size);
  }
  settle();
}

const settle = eachFrame(() => {
  flow.stack?.changed(flow.known);
  flow.known = true;
});

// Pages have at least that height that there are Markdowns for all that are in view.
function resized() {
  const least = Math.ceil((flow.stack?.view().tall ?? 0) / Math.max(1, flow.cells.length - 3));
  part.column.style.setProperty("--mo-least", `${least}px`);
  flow.heights.clear();
}

// ---- cells

function open(/** @type {number} */ page) {
  const free = flow.cells.filter((cell) => cell.page === null);
  const record = recordOf(page);
  const cell = free.find((one) => record && one.record === record) ?? free.find((one) => !one.record) ?? free[0];
  cell.page = page;
  cell.node.dataset.page = String(page);
  fill(cell);
  pane.opened();
  return cell.node;
}

function close(/** @type {number} */ page) {
  const cell = cellOf(page);
  if (!cell) return;
  if (cell.node.contains(part.new)) written().append(part.new);
  if (cell.prepared) unlinkText(cell.prepared.marks);
  cell.node.remove();
  Object.assign(cell, { page: null, due: false });
}

/** Draws all anew: another view, language or document. */
export function refill() {
  for (const cell of flow.cells) if (cell.page !== null) fill(cell);
}

export function emptyFlow() {
  flow.stack?.setPages([]);
  flow.heights.clear();
  for (const cell of flow.cells) cell.record = null;
}

export function fill(/** @type {FlowCell} */ cell) {
  const { page, node } = cell;
  const record = recordOf(page);
  const task = selectedTask();
  if (page === null || !task) return;
  node.setAttribute("aria-label", t("reader.alt.text", page));
  setText(cell.number, t("reader.strip.page", page));
  const { view } = pane;
  const hasText = Boolean(record?.markdown.trim());
  if (record === undefined) wait(cell);
  else if (!record || (!hasText && view !== "json")) {
    lack(cell, record ? { icon: "file", title: t("reader.empty"), hint: t("reader.empty.hint") } : absent(task, page));
  } else if (view === "text" || view === "picture") render(cell, record, task.id);
  else {
    setText(cell.pre, view === "raw" ? record.markdown : JSON.stringify(record, null, 2));
    ready(cell, "pre");
  }
}

function wait(/** @type {FlowCell} */ { node }) {
  node.dataset.shows = "wait";
  node.style.minHeight = `${flow.usual}px`;
}

function ready(/** @type {FlowCell} */ { node, page }, /** @type {string} */ shows) {
  node.dataset.shows = shows;
  node.style.minHeight = "";
  if (page !== null) pane.linked(page);
}

/** @param {FlowCell} cell @param {Note} note */
function lack(cell, { title, hint, canRetry, canVary }) {
  const task = selectedTask();
  const again = el("button", { type: "button", class: "mo-button" }, t("row.retry"));
  again.onclick = () => task && retry(again, task.id);
  const other = el("button", { type: "button", class: "mo-button", "aria-haspopup": "dialog" }, t("again.with"));
  other.onclick = () => task && tryAgainWith(other, task);
  const words = [el("strong", {}, title), hint ? el("p", {}, hint) : null];
  cell.lack.replaceChildren(...[...words, canRetry ? again : null, canVary ? other : null].filter((one) => one !== null));
  ready(cell, "lack");
}

/** What went wrong with a page. @param {number} page @param {unknown} problem */
export function showProblem(page, problem) {
  const cell = cellOf(page);
  if (cell) lack(cell, { icon: "failed", title: explain(problem) });
}

// ---- rendering: one page at a time, so that no step is long

/** @param {FlowCell} cell @param {Page} record @param {string} id */
function render(cell, record, id, linked = true) {
  if (linked && cell.record === record && cell.prepared) {
    if (cell.fresh) show(cell);
    return;
  }
  if (cell.prepared) unlinkText(cell.prepared.marks);
  // what is read stays until the new text is there
  if (cell.record?.page !== record.page || cell.node.dataset.shows !== "text") wait(cell);
  Object.assign(cell, { record, prepared: prepare(record, id, linked), due: true, fresh: false });
  pump();
}

function pump() {
  if (flow.writing) return;
  const near = (/** @type {FlowCell} */ { page }) => Math.abs((page ?? 0) - (state.page ?? 0));
  const [cell] = flow.cells.filter((one) => one.due).sort((a, b) => near(a) - near(b));
  if (!cell?.prepared) return;
  Object.assign(cell, { due: false, text: cell.prepared.text });
  flow.writing = cell;
  flow.timer = setTimeout(done, PATIENCE);
  pane.renderText();
}

function done() {
  clearTimeout(flow.timer);
  flow.writing = null;
  requestAnimationFrame(pump);
}

// Gradio has written a text: now its pieces are known.
function rendered(/** @type {FlowCell} */ cell) {
  const { slot, prepared, record } = cell;
  if (!prepared || !record || !slot.getElementsByClassName(prepared.mark).length) return;
  if (flow.writing === cell) done();
  cell.fresh = true;
  direct(slot);
  const { id } = selectedTask() ?? {};
  // inside unclosed code a mark is text: better the plain text without links than marks that are read
  if (id && prepared.marks.size && slot.textContent?.includes(prepared.mark)) render(cell, record, id, false);
  else if (cell.page !== null && recordOf(cell.page) === record && /text|picture/.test(pane.view)) show(cell);
}

function show(/** @type {FlowCell} */ cell) {
  if (!cell.prepared) return;
  linkText(cell.slot, cell.prepared.marks);
  cell.node.dataset.cut = cell.prepared.cut ? t("reader.cut") : "";
  ready(cell, "text");
}

// Right to left where the first letter is; a cell with a sentence is no column of single words beside wide numbers.
function direct(/** @type {HTMLElement} */ text) {
  for (const cell of all(text, "td, th")) if ((cell.textContent?.length ?? 0) > 60) cell.style.minWidth = "24ch";
  for (const piece of all(text, "p, h1, h2, h3, h4, h5, h6, ul, ol, table, blockquote, summary")) piece.dir = "auto";
}
