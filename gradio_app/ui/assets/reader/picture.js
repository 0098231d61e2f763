// The picture of a page: how large it lies there, and what is drawn over it.

import { setLabel, setText, show } from "../common/dom.js";
import { remember, remembered, t } from "../common/language.js";
import { taskAddress } from "../common/server.js";

const ZOOM = "mineru.zoom";
const LEVELS = [25, 33, 50, 67, 75, 90, 100, 125, 150, 200, 300, 400];
// Widths that are asked for, in the picture's own pixels: few, so that the browser can keep them.
const WIDTHS = [1200, 2000];
// Somebody who leafs quickly does not want every page drawn.
const PATIENCE = 150;
// Wider than this a page that fits the pane is not easier to read.
const COMFORT = 900;
// Otherwise the window scrolls, and the pane is as high as what lies in it.
export const framed = matchMedia("(min-width: 901px) and (min-height: 560px)");
const A4 = { width: 595, height: 842 };

let part = null;
let timer = null;
let zoom = stored(); // "width", "page", or percent
let size = A4; // of the page, in points
let wanted = null; // { task, page }

function stored() {
  const kept = remembered(ZOOM);
  return kept === "page" || LEVELS.includes(Number(kept)) ? (Number(kept) || kept) : "width";
}

export function startPicture(parts) {
  part = parts;
  part["zoom-out"].onclick = () => zoomBy(-1);
  part["zoom-in"].onclick = () => zoomBy(1);
  part["zoom-actual"].onclick = () => setZoom(100);
  part["zoom-width"].onclick = () => setZoom("width");
  part["zoom-page"].onclick = () => setZoom("page");
  part.picture.onload = () => {
    part.paper.classList.remove("mo-busy");
    if (!part.paper.dataset.sized) size = { width: size.width, height: (size.width * part.picture.naturalHeight) / part.picture.naturalWidth };
    lay();
  };
  part.picture.onerror = () => {
    part.paper.classList.remove("mo-busy");
    caption(t("reader.nopicture"));
  };
  new ResizeObserver(lay).observe(part.scroll);
}

export const isPictured = () => wanted !== null && part.scroll.clientWidth > 0;

// The record brings the size of the page; it is null while the page is not read.
export function showPicture(task, page, record) {
  const sized = record?.page === page && record.width > 0 && record.height > 0;
  const other = wanted?.task !== task.id || wanted.page !== page;
  if (sized) size = { width: record.width, height: record.height };
  part.paper.dataset.sized = sized ? "true" : "";
  wanted = { task: task.id, page };
  part.picture.alt = t("reader.alt", page);
  if (other) caption("");
  lay();
}

export function hidePicture() {
  clearTimeout(timer);
  wanted = null;
  part.picture.removeAttribute("src");
  caption("");
}

function caption(text) {
  setText(part.caption, text);
  show(part.caption, Boolean(text));
  show(part.paper, !text);
}

// ---- how large

export function zoomBy(steps) {
  const now = percent();
  const next = steps > 0 ? LEVELS.find((level) => level > now + 1) : LEVELS.findLast((level) => level < now - 1);
  if (next) setZoom(next);
}

export function setZoom(next) {
  zoom = next;
  remember(ZOOM, next === "width" ? null : String(next));
  // what was in the middle of the pane stays there
  const { scroll } = part;
  const middle = (scroll.scrollTop + scroll.clientHeight / 2) / scroll.scrollHeight;
  const centre = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
  lay();
  scroll.scrollTop = middle * scroll.scrollHeight - scroll.clientHeight / 2;
  scroll.scrollLeft = centre * scroll.scrollWidth - scroll.clientWidth / 2;
}

export const fitOther = () => setZoom(zoom === "width" ? "page" : "width");

// A point is 1/72 inch, a pixel of style sheets 1/96.
const percent = () => Math.round((100 * width()) / ((size.width * 96) / 72));

function width() {
  const style = getComputedStyle(part.scroll);
  const room = part.scroll.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  if (zoom === "width") return Math.min(room, COMFORT);
  if (zoom !== "page") return (size.width * 96 * zoom) / 7200;
  const own = part.scroll.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const height = framed.matches ? own : innerHeight * 0.7;
  return Math.max(60, Math.min(room, (height * size.width) / size.height));
}

function lay() {
  if (!wanted || !part.scroll.clientWidth) return;
  const pixels = Math.round(width());
  part.paper.style.width = `${pixels}px`;
  part.paper.style.aspectRatio = `${size.width} / ${size.height}`;
  setText(part["zoom-actual"], `${percent()} %`);
  setLabel(part["zoom-actual"], t("reader.zoom.actual", percent()));
  part["zoom-width"].setAttribute("aria-pressed", String(zoom === "width"));
  part["zoom-page"].setAttribute("aria-pressed", String(zoom === "page"));
  part["zoom-out"].disabled = percent() <= LEVELS[0];
  part["zoom-in"].disabled = percent() >= LEVELS.at(-1);
  fetchPicture(pixels * devicePixelRatio);
}

function fetchPicture(pixels) {
  const fine = WIDTHS.find((width) => width >= pixels) ?? WIDTHS.at(-1);
  const source = (width) => taskAddress(wanted.task, `/pages/${wanted.page}.png?width=${width}`);
  clearTimeout(timer);
  // a finer picture than needed serves as well
  if (WIDTHS.some((width) => width >= fine && part.picture.src === source(width))) return;
  const coarser = WIDTHS.some((width) => part.picture.src === source(width));
  if (!coarser) part.paper.classList.add("mo-busy");
  timer = setTimeout(() => (part.picture.src = source(fine)), PATIENCE);
}
