// Search inside the document: the server finds, here the hits are listed and marked on both sides.

import { el, setText, show } from "../common/dom.js";
import { isActive, on, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { turnTo } from "../common/location.js";
import { call } from "../common/server.js";
import { markBoxes, pieceOf, scrollToBox, scrollToText, gently } from "./boxes.js";

const MOST = 200;
const BEFORE = 20;
// Somebody who types does not want every letter searched.
const PATIENCE = 250;

let part = {};
let hits = [];
let more = false;
let at = -1; // which of them was gone to
let pending = false; // it has to be brought into view as soon as its page is there
let asked = null; // AbortController
let timer = null;

export function startSearch(parts) {
  part = parts;
  part["search-open"].onclick = () => (part.search.hidden ? openSearch() : closeSearch());
  part["search-close"].onclick = closeSearch;
  part["search-previous"].onclick = () => go(at - 1);
  part["search-next"].onclick = () => go(at + 1);
  part["search-input"].oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PATIENCE);
  };
  part.search.onkeydown = byKey;
  on("selected", () => (state.selected ? part.search.hidden || ask() : closeSearch()));
  // the rest of the document has come
  on("task", ({ task, before }) => {
    const ended = before && isActive(before) && !isActive(task);
    if (task.id === state.selected && ended && !part.search.hidden) ask();
  });
  on("language", draw);
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
  ask();
  if (focused) part["search-open"].focus();
}

function byKey(event) {
  if (event.key === "Escape") {
    event.preventDefault();
    closeSearch();
  }
  if (event.key === "Enter" && event.target === part["search-input"]) go(at + (event.shiftKey ? -1 : 1));
}

const words = () => part["search-input"].value.split(/\s+/).filter(Boolean);

async function ask() {
  clearTimeout(timer);
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  let found = { hits: [], more: false };
  let problem = null;
  if (words().length && state.selected) {
    const query = new URLSearchParams({ q: words().join(" "), limit: MOST });
    try {
      found = await call(`api/v1/tasks/${encodeURIComponent(state.selected)}/search?${query}`, { signal });
    } catch (error) {
      if (error.name === "AbortError") return;
      problem = error;
    }
  }
  if (signal.aborted) return;
  ({ hits, more } = found);
  at = -1;
  list();
  draw(problem);
  // the first one from here on, so that searching does not lead away from what is read
  const from = hits.findIndex((hit) => hit.page >= (state.page ?? 0));
  if (hits.length) go(Math.max(0, from), false);
  else mark();
}

function go(wanted, listed = true) {
  if (!hits.length) return;
  at = (wanted + hits.length) % hits.length;
  pending = true;
  draw();
  const row = part.hits.children[at];
  if (listed) row.scrollIntoView({ block: "nearest" });
  else part.hits.scrollTop = row.offsetTop - part.hits.offsetTop;
  if (hits[at].page === state.page) mark();
  else turnTo(hits[at].page); // mark is called when its text is there
}

// ---- the list

function list() {
  const rows = hits.map((hit, index) => {
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

// A narrow window shows the beginning of a line: what was found must be in it.
const before = (hit) => (hit.before.length > BEFORE ? `…${hit.before.slice(-BEFORE)}` : hit.before);

function draw(problem = null) {
  const some = hits.length > 0;
  let text = some ? t("reader.search.count", at + 1, hits.length, more) : "";
  if (!some && words().length) text = problem?.code ? explain(problem) : t("reader.search.none");
  setText(part["search-count"], text);
  part["search-previous"].disabled = !some;
  part["search-next"].disabled = !some;
  [...part.hits.children].forEach((row, index) => {
    const button = row.firstElementChild;
    button.setAttribute("aria-label", t("reader.search.hit", hits[index].page, button.lastElementChild.textContent));
    if (index === at) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
}

// ---- marks on the page

// Called when the text of a page was written, and when there are other hits.
export function mark() {
  const here = hits.filter((hit) => hit.page === state.page);
  const now = hits[at]?.page === state.page ? hits[at] : null;
  markBoxes(new Set(here.map((hit) => hit.block)), now?.block ?? null);
  const whole = here.length ? [document.getElementById("mo-text"), document.getElementById("mo-raw")] : [];
  const ours = now ? places(pieceOf(now.block)) : [];
  const found = ours[now?.nth] ?? ours[0] ?? null;
  paint("mo-hits", places(whole));
  paint("mo-hit", found ? [found] : []);
  if (!pending || !now || !whole[0].textContent) return;
  pending = false;
  scrollToBox(now.block);
  if (found) found.startContainer.parentElement.scrollIntoView({ block: "center", behavior: gently() });
  else scrollToText(now.block);
}

// Marks without touching the text, which is Gradio's.
function paint(name, ranges) {
  if (!globalThis.CSS?.highlights) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

// Where the words stand inside these elements, as ranges; they may go over several pieces of markup.
function places(elements) {
  const nodes = elements.flatMap(textNodes);
  const text = nodes.map((node) => node.data).join("");
  const pattern = words().map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+");
  const ranges = [];
  let [node, start] = [0, 0]; // of the node that is looked at
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

// A formula stands there twice: once for the eye, once for screen readers.
function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(".katex-mathml")) found.push(walker.currentNode);
  }
  return found;
}
