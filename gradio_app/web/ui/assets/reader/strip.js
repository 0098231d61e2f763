// Strip of pages: a small picture of each. Only those in view exist, however long the document is.

import { eachFrame, el, setCurrent, setLabel, show, targetOf } from "../common/dom.js";
import { t } from "../common/language.js";
import { turnTo } from "../common/location.js";
import { taskAddress } from "../common/server.js";
import { pageMarks } from "./pages.js";
import { pane } from "./state.js";

const { part, strip } = pane;

const CELL = 132; // height of a page and its number, in pixels
const WIDTH = 160;
// Somebody who scrolls past does not want these pages drawn.
const PATIENCE = 150;
// At the same time: a browser has six connections to a server, and the page itself needs some.
const MOST = 2;

export function startStrip() {
  const soon = eachFrame(draw);
  part.strip.addEventListener("scroll", soon, { passive: true });
  new ResizeObserver(soon).observe(part.strip);
  part["strip-all"].addEventListener("keydown", walk);
}

/** @param {Task} shown @param {number[]} pages @param {number} page */
export function showStrip(shown, pages, page) {
  const other = shown.id !== strip.task || pages.length !== strip.numbers.length;
  if (other) clear();
  Object.assign(strip, { task: shown.id, numbers: pages, marks: pageMarks(shown) });
  part["strip-all"].style.height = `${strip.numbers.length * CELL}px`;
  show(part.strip, true);
  if (page !== strip.current || other) reveal(page);
  draw();
}

export function hideStrip() {
  if (!strip.task) return;
  show(part.strip, false);
  clear();
  strip.task = null;
}

// Also when the language changes.
export function labelStrip() {
  for (const [page, { node }] of strip.cells) mark(page, node);
}

function mark(/** @type {number} */ page, /** @type {HTMLElement} */ node) {
  const known = strip.marks.get(page) ?? "page";
  node.dataset.mark = known;
  setLabel(node, t(`reader.strip.${known}`, page));
}

function clear() {
  clearTimeout(strip.timer);
  strip.cells.forEach(drop);
  strip.cells = new Map();
  strip.current = null;
}

function reveal(/** @type {number} */ page) {
  const node = part.strip;
  strip.current = page;
  const top = strip.numbers.indexOf(page) * CELL;
  if (top < node.scrollTop) node.scrollTop = top;
  else if (top + CELL > node.scrollTop + node.clientHeight) node.scrollTop = top + CELL - node.clientHeight;
}

function inView() {
  const first = Math.max(0, Math.floor(part.strip.scrollTop / CELL));
  return strip.numbers.slice(first, Math.ceil((part.strip.scrollTop + part.strip.clientHeight) / CELL));
}

function draw() {
  if (!strip.task || !part.strip.clientHeight) return;
  const seen = new Set(inView());
  if (strip.current) seen.add(strip.current); // the way in for the keyboard
  for (const [page, cell] of strip.cells) {
    if (seen.has(page)) continue;
    drop(cell);
    strip.cells.delete(page);
  }
  for (const page of seen) {
    const cell = strip.cells.get(page) ?? make(page);
    strip.cells.set(page, cell);
    const { node } = cell;
    mark(page, node);
    node.tabIndex = page === strip.current ? 0 : -1;
    setCurrent(node, page === strip.current, "page");
  }
  clearTimeout(strip.timer);
  strip.timer = setTimeout(load, PATIENCE);
}

/** @param {number} page @returns {StripCell} */
function make(page) {
  const picture = el("img", { alt: "" });
  const node = el("button", { type: "button", onclick: () => turnTo(page) }, picture, el("span", {}, String(page)));
  node.style.top = `${strip.numbers.indexOf(page) * CELL}px`;
  part["strip-all"].append(node);
  return { node, picture, asked: false, done: null };
}

function drop(/** @type {StripCell} */ cell) {
  cell.picture.removeAttribute("src"); // what was not sent yet is not wanted any more
  cell.done?.();
  cell.node.remove();
}

function load() {
  const { task } = strip;
  for (const page of inView()) {
    const cell = strip.cells.get(page);
    if (!task || strip.loading >= MOST) return;
    if (!cell || cell.asked) continue;
    cell.asked = true;
    strip.loading += 1;
    cell.done = () => {
      cell.done = null;
      strip.loading -= 1;
    };
    cell.picture.onload = cell.picture.onerror = () => {
      if (!cell.done) return;
      cell.done();
      load();
    };
    cell.picture.src = taskAddress(task, `/pages/${page}.png?width=${WIDTH}`);
  }
}

function walk(/** @type {KeyboardEvent} */ event) {
  const { numbers, cells, current } = strip;
  const to = targetOf(event, numbers.indexOf(current ?? 0), numbers.length);
  if (to === undefined) return;
  event.preventDefault();
  if (!(to in numbers)) return;
  turnTo(numbers[to]); // the reader draws the strip anew, with that page in view
  cells.get(numbers[to])?.node.focus({ preventScroll: true });
}
