// The strip of pages: a small picture of each. Only those in view exist, however long the document is.

import { el, setLabel, show } from "../common/dom.js";
import { t } from "../common/language.js";
import { pageMarks } from "./pages.js";
import { turnTo } from "../common/location.js";
import { taskAddress } from "../common/server.js";

const CELL = 132; // height of a page and its number, in pixels
const WIDTH = 160;
// Somebody who scrolls past does not want these pages drawn.
const PATIENCE = 150;
// At the same time: a browser has six connections to a server, and the page itself needs some.
const MOST = 2;

let strip = null;
let all = null;
let task = null; // id
let numbers = [];
let marks = new Map(); // page -> what is to be known of it
let current = null;
let cells = new Map(); // page -> { node, picture }
let timer = null;
let loading = 0;
let drawing = false;

export function startStrip(parts) {
  strip = parts.strip;
  all = parts["strip-all"];
  strip.addEventListener("scroll", soon, { passive: true });
  new ResizeObserver(soon).observe(strip);
  all.addEventListener("keydown", walk);
}

export function showStrip(shown, pages, page) {
  const other = shown.id !== task || pages.length !== numbers.length;
  if (other) clear();
  [task, numbers, marks] = [shown.id, pages, pageMarks(shown)];
  all.style.height = `${numbers.length * CELL}px`;
  show(strip, true);
  if (page !== current || other) reveal(page);
  draw();
}

export function hideStrip() {
  if (!task) return;
  show(strip, false);
  clear();
  task = null;
}

// Also when the language changes.
export function labelStrip() {
  for (const [page, { node }] of cells) mark(page, node);
}

function mark(page, node) {
  const known = marks.get(page) ?? "page";
  node.dataset.mark = known;
  setLabel(node, t(`reader.strip.${known}`, page));
}

function clear() {
  clearTimeout(timer);
  cells.forEach(drop);
  cells = new Map();
  current = null;
}

function reveal(page) {
  current = page;
  const top = numbers.indexOf(page) * CELL;
  if (top < strip.scrollTop) strip.scrollTop = top;
  else if (top + CELL > strip.scrollTop + strip.clientHeight) strip.scrollTop = top + CELL - strip.clientHeight;
}

function soon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function inView() {
  const first = Math.max(0, Math.floor(strip.scrollTop / CELL));
  return numbers.slice(first, Math.ceil((strip.scrollTop + strip.clientHeight) / CELL));
}

function draw() {
  if (!task || !strip.clientHeight) return;
  const seen = new Set(inView());
  if (current) seen.add(current); // the way in for the keyboard
  for (const [page, cell] of cells) {
    if (seen.has(page)) continue;
    drop(cell);
    cells.delete(page);
  }
  for (const page of seen) {
    if (!cells.has(page)) cells.set(page, make(page));
    const { node } = cells.get(page);
    mark(page, node);
    node.tabIndex = page === current ? 0 : -1;
    if (page === current) node.setAttribute("aria-current", "page");
    else node.removeAttribute("aria-current");
  }
  clearTimeout(timer);
  timer = setTimeout(load, PATIENCE);
}

function make(page) {
  const picture = el("img", { alt: "" });
  const node = el("button", { type: "button", onclick: () => turnTo(page) }, picture, el("span", {}, String(page)));
  node.style.top = `${numbers.indexOf(page) * CELL}px`;
  all.append(node);
  return { node, picture, asked: false };
}

function drop(cell) {
  cell.picture.removeAttribute("src"); // what was not sent yet is not wanted any more
  cell.done?.();
  cell.node.remove();
}

function load() {
  for (const page of inView()) {
    const cell = cells.get(page);
    if (loading >= MOST) return;
    if (!cell || cell.asked) continue;
    cell.asked = true;
    loading += 1;
    cell.done = () => {
      cell.done = null;
      loading -= 1;
    };
    cell.picture.onload = cell.picture.onerror = () => {
      if (!cell.done) return;
      cell.done();
      load();
    };
    cell.picture.src = taskAddress(task, `/pages/${page}.png?width=${WIDTH}`);
  }
}

function walk(event) {
  const at = numbers.indexOf(current);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: numbers.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (!(to in numbers)) return;
  turnTo(numbers[to]); // the reader draws the strip anew, with that page in view
  cells.get(numbers[to])?.node.focus({ preventScroll: true });
}
