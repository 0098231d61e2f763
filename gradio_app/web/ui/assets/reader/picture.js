// Picture of a page: how large it is shown, and what it is fetched with.

import { setLabel, setText, show } from "../common/dom.js";
import { remember, t } from "../common/language.js";
import { framed } from "../common/panes.js";
import { taskAddress } from "../common/server.js";
import { LEVELS, pane, ZOOM } from "./state.js";

const { part, picture } = pane;

// Widths that are asked for, in the picture's own pixels: few, so that the browser can keep them.
const WIDTHS = [1200, 2000];
// Somebody who leafs quickly does not want every page drawn.
const PATIENCE = 150;
// Wider than this a page that fits the pane is not easier to read.
const COMFORT = 900;

export function startPicture() {
  part["zoom-out"].onclick = () => zoomBy(-1);
  part["zoom-in"].onclick = () => zoomBy(1);
  part["zoom-actual"].onclick = () => setZoom(100);
  part["zoom-width"].onclick = () => setZoom("width");
  part["zoom-page"].onclick = () => setZoom("page");
  part.picture.onload = () => {
    part.paper.classList.remove("mo-busy");
    const { naturalHeight, naturalWidth } = part.picture;
    if (!part.paper.dataset.sized) picture.size.height = (picture.size.width * naturalHeight) / naturalWidth;
    resize();
  };
  part.picture.onerror = () => {
    part.paper.classList.remove("mo-busy");
    caption(t("reader.nopicture"));
  };
  new ResizeObserver(resize).observe(part.scroll);
}

export const isPictured = () => picture.wanted !== null && part.scroll.clientWidth > 0;

// The record brings the size of the page; it is null while the page is not read.
export function showPicture(/** @type {Task} */ task, /** @type {number} */ page, /** @type {Page | null} */ record, anew = false) {
  if (anew) part.picture.removeAttribute("src");
  const { width, height } = record?.page === page ? record : { width: null, height: null };
  const other = picture.wanted?.task !== task.id || picture.wanted.page !== page;
  if (width && height) picture.size = { width, height };
  part.paper.dataset.sized = width && height ? "true" : "";
  picture.wanted = { task: task.id, page };
  part.picture.alt = t("reader.alt", page);
  if (other || anew) caption("");
  resize();
}

export function hidePicture() {
  clearTimeout(picture.timer);
  picture.wanted = null;
  part.picture.removeAttribute("src");
  caption("");
}

function caption(/** @type {string} */ text) {
  setText(part.caption, text);
  show(part.caption, Boolean(text));
  show(part.paper, !text);
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
  // what was in the middle of the pane stays there
  const { scroll } = part;
  const middle = (scroll.scrollTop + scroll.clientHeight / 2) / scroll.scrollHeight;
  const centre = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
  resize();
  scroll.scrollTop = middle * scroll.scrollHeight - scroll.clientHeight / 2;
  scroll.scrollLeft = centre * scroll.scrollWidth - scroll.clientWidth / 2;
}

export const fitOther = () => setZoom(picture.zoom === "width" ? "page" : "width");

// A point is 1/72 inch, a pixel of style sheets 1/96.
const percent = () => Math.round((100 * pixelWidth()) / ((picture.size.width * 96) / 72));

function pixelWidth() {
  const { zoom, size } = picture;
  const style = getComputedStyle(part.scroll);
  const room = part.scroll.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  if (zoom === "width") return Math.min(room, COMFORT);
  if (zoom !== "page") return (size.width * 96 * zoom) / 7200;
  const own = part.scroll.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const height = framed.matches ? own : innerHeight * 0.7;
  return Math.max(60, Math.min(room, (height * size.width) / size.height));
}

function resize() {
  if (!picture.wanted || !part.scroll.clientWidth) return;
  const pixels = Math.round(pixelWidth());
  part.paper.style.width = `${pixels}px`;
  part.paper.style.aspectRatio = `${picture.size.width} / ${picture.size.height}`;
  setText(part["zoom-actual"], `${percent()} %`);
  setLabel(part["zoom-actual"], t("reader.zoom.actual", percent()));
  part["zoom-width"].setAttribute("aria-pressed", String(picture.zoom === "width"));
  part["zoom-page"].setAttribute("aria-pressed", String(picture.zoom === "page"));
  part["zoom-out"].disabled = percent() <= LEVELS[0];
  part["zoom-in"].disabled = percent() >= LEVELS[LEVELS.length - 1];
  fetchPicture(pixels * devicePixelRatio);
}

function fetchPicture(/** @type {number} */ pixels) {
  const { wanted } = picture;
  if (!wanted) return;
  const fine = WIDTHS.find((width) => width >= pixels) ?? WIDTHS[WIDTHS.length - 1];
  /** @param {number} width */
  const source = (width) => taskAddress(wanted.task, `/pages/${wanted.page}.png?width=${width}`);
  clearTimeout(picture.timer);
  // a finer picture than needed serves as well
  if (WIDTHS.some((width) => width >= fine && part.picture.src === source(width))) return;
  const coarser = WIDTHS.some((width) => part.picture.src === source(width));
  if (!coarser) part.paper.classList.add("mo-busy");
  picture.timer = setTimeout(() => (part.picture.src = source(fine)), PATIENCE);
}
