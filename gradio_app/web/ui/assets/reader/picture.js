// Pictures of the pages, one below the other: how large they are shown, and what they are fetched with.

import { eachFrame, el, setLabel, setText, show } from "../common/dom.js";
import { state } from "../common/hub.js";
import { remember, t } from "../common/language.js";
import { framed } from "../common/panes.js";
import { taskAddress } from "../common/server.js";
import { dropBoxes, makeBoxes } from "./boxes.js";
import { recordOf } from "./records.js";
import { Stack } from "./stack.js";
import { LEVELS, pane, ZOOM } from "./state.js";

const { part, picture } = pane;

// Widths that are asked for, in the picture's own pixels: few, so that the browser can keep them.
const WIDTHS = [1200, 2000];
// Somebody who leafs quickly does not want every page drawn.
const PATIENCE = 150;
// Wider than this a page that fits the pane is not easier to read.
const COMFORT = 900;
const MARGIN = 16;

export function startPicture(/** @type {(gliding: boolean) => void} */ moved) {
  part["zoom-out"].onclick = () => zoomBy(-1);
  part["zoom-in"].onclick = () => zoomBy(1);
  part["zoom-actual"].onclick = () => setZoom(100);
  part["zoom-width"].onclick = () => setZoom("width");
  part["zoom-page"].onclick = () => setZoom("page");
  picture.stack = new Stack({ node: part.scroll, column: part.papers, height: heightOf, open, close, resized: draw, moved });
}

export const isPictured = () => Boolean(picture.stack?.isShown());

export function emptyPicture() {
  picture.stack?.setPages([]);
  picture.sizes.clear();
}

// ---- pages

const heightOf = (/** @type {number} */ page) => Math.round((widthOf(page) * sizeOf(page).height) / sizeOf(page).width);

// In points. Where it is not known, a page is as large as the first one that is.
const sizeOf = (/** @type {number | null} */ page) => picture.sizes.get(page ?? 0) ?? picture.sizes.values().next().value ?? { width: 595, height: 842 };

function open(/** @type {number} */ page) {
  const image = el("img", { alt: t("reader.alt", page) });
  const caption = el("p", { class: "mo-caption", hidden: true }, t("reader.nopicture"));
  const node = el("div", { class: "mo-paper mo-busy", "data-page": page }, image, caption);
  /** @type {Paper} */
  const paper = { node, image, caption, boxed: null, boxes: null, timer: 0 };
  image.onload = () => {
    node.classList.remove("mo-busy");
    show(caption, false);
    const { naturalWidth, naturalHeight } = image;
    if (!picture.sizes.has(page)) setSize(page, { width: sizeOf(page).width, height: (sizeOf(page).width * naturalHeight) / naturalWidth });
  };
  image.onerror = () => {
    node.classList.remove("mo-busy");
    show(caption, true);
  };
  picture.papers.set(page, paper);
  drawPaper(page);
  pane.opened();
  return node;
}

function close(/** @type {number} */ page) {
  const paper = picture.papers.get(page);
  if (!paper) return;
  clearTimeout(paper.timer);
  paper.image.onerror = null;
  paper.image.removeAttribute("src"); // what was not sent yet is not wanted any more
  if (paper.boxed) dropBoxes(paper.boxed);
  paper.node.remove();
  picture.papers.delete(page);
}

/** With its boxes, as soon as the page's record is there. @param {number} page */
export function drawPaper(page) {
  const paper = picture.papers.get(page);
  const record = recordOf(page);
  if (!paper) return;
  if (record?.width && record.height) setSize(page, { width: record.width, height: record.height });
  paper.node.style.width = `${widthOf(page)}px`;
  paper.node.style.height = `${heightOf(page)}px`;
  fetchPicture(page, paper);
  if (!record || paper.boxed === record) return;
  if (paper.boxed) dropBoxes(paper.boxed);
  paper.boxes?.remove();
  Object.assign(paper, { boxed: record, boxes: makeBoxes(record) });
  if (paper.boxes) paper.node.append(paper.boxes);
}

/** @param {number} page @param {{ width: number, height: number }} size */
function setSize(page, size) {
  const before = sizeOf(page);
  const first = !picture.sizes.size;
  picture.sizes.set(page, size);
  if (first || before.width !== size.width || Math.abs(before.height - size.height) > 1) settle();
}

const settle = eachFrame(() => {
  draw();
  picture.stack?.changed();
});

/** @param {number} page @param {Paper} paper */
function fetchPicture(page, paper) {
  const pixels = widthOf(page) * devicePixelRatio;
  const fine = WIDTHS.find((width) => width >= pixels) ?? WIDTHS[WIDTHS.length - 1];
  /** @param {number} width */
  const source = (width) => taskAddress(state.selected ?? "", `/pages/${page}.png?width=${width}`);
  clearTimeout(paper.timer);
  // a finer picture than needed serves as well
  if (WIDTHS.some((width) => width >= fine && paper.image.src === source(width))) return;
  paper.timer = setTimeout(() => (paper.image.src = source(fine)), PATIENCE);
}

// ---- how large

export function zoomBy(/** @type {number} */ steps) {
  const now = percent();
  const next = steps > 0 ? LEVELS.find((level) => level > now + 1) : LEVELS.findLast((level) => level < now - 1);
  if (next) setZoom(next);
}

export function setZoom(/** @type {ReaderState["picture"]["zoom"]} */ next) {
  picture.zoom = next;
  remember(ZOOM, next === "width" ? null : String(next));
  const { scroll } = part;
  const centre = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
  picture.stack?.keepMiddle(draw);
  scroll.scrollLeft = centre * scroll.scrollWidth - scroll.clientWidth / 2;
}

export const fitOther = () => setZoom(picture.zoom === "width" ? "page" : "width");

// A point is 1/72 inch, a pixel of style sheets 1/96.
const percent = () => Math.round((100 * widthOf(state.page ?? 0)) / ((sizeOf(state.page).width * 96) / 72));

/** In pixels of style sheets. @param {number} page */
function widthOf(page) {
  const { zoom, room } = picture;
  const size = sizeOf(page);
  if (typeof zoom === "number") return Math.round((size.width * 96 * zoom) / 7200);
  if (zoom === "width") return Math.max(60, Math.min(room.width, COMFORT));
  return Math.round(Math.max(60, Math.min(room.width, (room.height * size.width) / size.height)));
}

export function draw() {
  const { scroll } = part;
  if (!scroll.clientWidth) return;
  picture.room = {
    width: scroll.clientWidth - 2 * MARGIN,
    height: framed.matches ? scroll.clientHeight - 2 * MARGIN : innerHeight * 0.7,
  };
  for (const page of picture.papers.keys()) drawPaper(page);
  const widest = Math.max(...[...picture.papers.keys(), state.page ?? 0].map(widthOf));
  part.papers.style.width = `${Math.max(scroll.clientWidth, widest + 2 * MARGIN)}px`;
  setText(part["zoom-actual"], `${percent()} %`);
  setLabel(part["zoom-actual"], t("reader.zoom.actual", percent()));
  part["zoom-width"].setAttribute("aria-pressed", String(picture.zoom === "width"));
  part["zoom-page"].setAttribute("aria-pressed", String(picture.zoom === "page"));
  part["zoom-out"].disabled = percent() <= LEVELS[0];
  part["zoom-in"].disabled = percent() >= LEVELS[LEVELS.length - 1];
}
