// Search inside the document: the server finds, here the hits are listed and marked on both sides.

import { all, el, setCurrent, setText, show } from "../common/dom.js";
import { hasEnded, on, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { select, turnTo } from "../common/location.js";
import { call, isAborted, Problem, taskPath } from "../common/server.js";
import { markBoxes, pieceOf, scrollToBox, scrollToText } from "./boxes.js";
import { cellOf } from "./flow.js";
import { pane } from "./state.js";

const { part, search } = pane;

const MOST = 200;
const BEFORE = 20;
// Somebody who types does not want every letter searched.
const PATIENCE = 250;

export function startSearch() {
  part["search-open"].onclick = () => (part.search.hidden ? openSearch() : closeSearch());
  part["search-close"].onclick = closeSearch;
  part["search-previous"].onclick = () => go(search.at - 1);
  part["search-next"].onclick = () => go(search.at + 1);
  part["search-input"].oninput = () => {
    clearTimeout(search.timer);
    search.also = [];
    search.timer = setTimeout(ask, PATIENCE);
  };
  part.search.onkeydown = byKey;
  on("selected", () => (state.selected ? part.search.hidden || ask() : closeSearch()));
  // the rest of the document has come
  on("task", (change) => {
    if (change.task.id === state.selected && hasEnded(change) && !part.search.hidden) ask();
  });
  on("language", () => draw());
  on("find", find);
}

/** Opens a page with texts lit that the list of documents has found there. @param {Topics["find"]} found */
function find({ task, page, texts }) {
  const [longest = ""] = [...texts].sort((a, b) => b.length - a.length);
  show(part.search, true);
  part["search-open"].setAttribute("aria-expanded", "true");
  part["search-input"].value = longest;
  Object.assign(search, { also: [...new Set(texts)], wanted: page });
  select(task, page); // and then it is asked for
}

export function openSearch() {
  show(part.search, true);
  part["search-open"].setAttribute("aria-expanded", "true");
  part["search-input"].focus();
  part["search-input"].select();
}

export function closeSearch() {
  if (part.search.hidden) return;
  const focused = part.search.contains(document.activeElement);
  show(part.search, false);
  part["search-open"].setAttribute("aria-expanded", "false");
  part["search-input"].value = "";
  search.also = [];
  ask();
  if (focused) part["search-open"].focus();
}

function byKey(/** @type {KeyboardEvent} */ event) {
  if (event.key === "Escape") {
    event.preventDefault();
    closeSearch();
  }
  if (event.key === "Enter" && event.target === part["search-input"]) go(search.at + (event.shiftKey ? -1 : 1));
}

const words = () => part["search-input"].value.split(/\s+/).filter(Boolean);

async function ask() {
  clearTimeout(search.timer);
  search.request?.abort();
  search.request = new AbortController();
  const { signal } = search.request;
  let found = /** @type {{ hits: Hit[], more: boolean }} */ ({ hits: [], more: false });
  let problem = null;
  if (words().length && state.selected) {
    const query = new URLSearchParams({ q: words().join(" "), limit: String(MOST) });
    try {
      found = await call(taskPath(state.selected, `/search?${query}`), { signal });
    } catch (error) {
      if (isAborted(error)) return;
      problem = error;
    }
  }
  if (signal.aborted) return;
  Object.assign(search, { hits: found.hits, more: found.more, at: -1 });
  list();
  draw(problem);
  // the first one from here on, so that searching does not lead away from what is read
  const { wanted } = search;
  search.wanted = null;
  const from = search.hits.findIndex((hit) => hit.page >= (wanted ?? state.page ?? 0));
  if (search.hits.length && (!wanted || search.hits[from]?.page === wanted)) go(Math.max(0, from), false);
  else mark();
}

function go(/** @type {number} */ wanted, listed = true) {
  const { hits } = search;
  if (!hits.length) return;
  search.at = (wanted + hits.length) % hits.length;
  search.pending = true;
  draw();
  const row = /** @type {HTMLElement} */ (part.hits.children[search.at]);
  if (listed) row.scrollIntoView({ block: "nearest" });
  else part.hits.scrollTop = row.offsetTop - part.hits.offsetTop;
  const { page } = hits[search.at];
  if (page !== state.page) turnTo(page);
  mark(); // and once more when its text is there
}

// ---- the list

function list() {
  const rows = search.hits.map((hit, index) => {
    const button = el(
      "button",
      { type: "button", onclick: () => go(index) },
      el("span", { class: "mo-hit-page" }, String(hit.page)),
      el("span", { class: "mo-hit-words" }, before(hit), el("mark", {}, hit.match), hit.after),
    );
    return el("li", {}, button);
  });
  part.hits.replaceChildren(...rows);
  show(part.hits, rows.length > 0);
}

/** A narrow window shows the beginning of a line: what was found must be in it. @param {Hit} hit */
const before = (hit) => (hit.before.length > BEFORE ? `…${hit.before.slice(-BEFORE)}` : hit.before);

/** @param {unknown} problem */
function draw(problem = null) {
  const { hits, at, more } = search;
  const some = hits.length > 0;
  let text = some ? t("reader.search.count", at + 1, hits.length, more) : "";
  if (!some && words().length) text = problem instanceof Problem ? explain(problem) : t("reader.search.none");
  setText(part["search-count"], text);
  part["search-previous"].disabled = !some;
  part["search-next"].disabled = !some;
  [...part.hits.querySelectorAll("button")].forEach((button, index) => {
    const hit = button.querySelector(".mo-hit-words")?.textContent;
    button.setAttribute("aria-label", t("reader.search.hit", hits[index].page, hit));
    setCurrent(button, index === at);
  });
}

// ---- marks on the page

/** Called when the text of a page was written, and when there are other hits. @param {number | null} written */
export function mark(written = null) {
  const { hits, at } = search;
  const now = hits[at] ?? null;
  markBoxes(new Set(hits.map((hit) => hit.block)), now?.block ?? null);
  const found = now ? rangeOf(now) : null;
  const texts = hits.length ? [words().join(" "), ...search.also] : search.also;
  paint("mo-hits", rangesIn(all(part.column, ".mo-now"), texts));
  paint("mo-hit", found ? [found] : []);
  if (!search.pending || !now || cellOf(now.page)?.node.dataset.shows === "wait" || !cellOf(now.page)) return;
  if (written !== null && written !== now.page) return;
  search.pending = false;
  scrollToBox(now.block);
  const place = found?.startContainer.parentElement;
  if (place) pane.flow.stack?.reveal(place);
  else scrollToText(now.block);
}

/** @param {Hit} hit */
function rangeOf({ page, block, nth }) {
  const pieces = pieceOf(block);
  const ours = rangesIn(pieces.length ? pieces : all(part.column, `[data-page="${page}"] .mo-now`), [words().join(" ")]);
  return ours[nth] ?? ours[0] ?? null;
}

/** Marks without touching the text, which is Gradio's. @param {string} name @param {Range[]} ranges */
function paint(name, ranges) {
  if (!globalThis.CSS?.highlights) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

/**
 * These texts inside elements, as ranges; they may go over several pieces of markup.
 * @param {Element[]} elements @param {string[]} texts
 */
function rangesIn(elements, texts) {
  const nodes = elements.flatMap(textNodes);
  const text = nodes.map((node) => node.data).join("");
  const pattern = texts.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+")).join("|");
  const ranges = /** @type {Range[]} */ ([]);
  let [node, start] = [0, 0]; // of the node that is looked at
  /** @param {number} offset @returns {[Text, number]} */
  const locate = (offset) => {
    while (start + nodes[node].length < offset) {
      start += nodes[node].length;
      node += 1;
    }
    return [nodes[node], offset - start];
  };
  for (const match of pattern ? text.matchAll(new RegExp(pattern, "giu")) : []) {
    const range = document.createRange();
    range.setStart(...locate(match.index));
    range.setEnd(...locate(match.index + match[0].length));
    ranges.push(range);
  }
  return ranges;
}

/** A formula stands there twice: once for the eye, once for screen readers. @param {Element} element */
function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = /** @type {Text[]} */ ([]);
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    if (!node.parentElement?.closest(".katex-mathml, .mo-side")) found.push(node);
  }
  return found;
}
