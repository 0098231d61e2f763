// What belongs together: the boxes over the picture of a page, and the pieces of its text.

import { el, setLabel } from "../common/dom.js";
import { remember, remembered, t } from "../common/language.js";

const BOXES = "mineru.boxes";
// The kinds that are told apart by colour; the server knows more types.
const KINDS = [
  ["title", /title/],
  ["table", /^table/],
  ["figure", /^(image|chart)/],
  ["formula", /equation/],
  ["code", /^(code|algorithm)/],
  ["list", /^(list|index|ref_text)$/],
  ["aside", /^(header|footer|page_number|aside_text|page_footnote)$/],
];

let part = null;
let text = null;
let pick = () => {};
let boxes = new Map(); // block id -> button
let pieces = new Map(); // block id -> elements of the text
let owners = new WeakMap(); // element of the text -> block id
let lit = null;
let drawn = null; // the record whose boxes lie there

export function startBoxes(parts, picked) {
  part = parts;
  pick = picked;
  text = document.getElementById("mo-text");
  part["boxes-switch"].onclick = toggleBoxes;
  part.boxes.addEventListener("pointerover", (event) => light(idOf(event.target)));
  part.boxes.addEventListener("pointerleave", () => light(null));
  part.boxes.addEventListener("focusin", (event) => light(idOf(event.target)));
  // a box that is hidden, as its text is shown in its place, loses the focus too: that text stays lit
  part.boxes.addEventListener("focusout", (event) => event.target.offsetParent && light(null));
  part.boxes.addEventListener("click", (event) => idOf(event.target) && pick(idOf(event.target)));
  part.boxes.addEventListener("keydown", walk);
  text.addEventListener("pointerover", (event) => light(ownerOf(event.target)));
  text.addEventListener("pointerleave", () => light(null));
  text.addEventListener("click", fromText);
  apply();
}

const idOf = (node) => node.closest?.(".mo-box")?.dataset.block ?? null;

function ownerOf(node) {
  for (let at = node; at && at !== text; at = at.parentElement) {
    if (owners.has(at)) return owners.get(at);
  }
  return null;
}

// ---- on and off

const wanted = () => remembered(BOXES) !== "off";

export function toggleBoxes() {
  remember(BOXES, wanted() ? "off" : null);
  apply();
}

function apply() {
  part["boxes-switch"].setAttribute("aria-pressed", String(wanted()));
  part.boxes.hidden = !wanted();
}

// ---- the boxes

export function drawBoxes(record) {
  if (drawn === record) return;
  drawn = record;
  lit = null;
  boxes = new Map();
  for (const block of record?.blocks ?? []) {
    if (block.bbox?.length === 4) boxes.set(block.id, makeBox(block));
  }
  part.boxes.replaceChildren(...boxes.values());
  labelBoxes();
  const first = boxes.values().next().value;
  if (first) first.tabIndex = 0; // one stop for the keyboard; arrows go on from there
}

function makeBox({ id, type, bbox, markdown }) {
  const [left, top, right, bottom] = bbox.map((share) => Math.min(1, Math.max(0, Number(share) || 0)));
  const box = el("button", { type: "button", class: "mo-box", tabindex: "-1" });
  box.dataset.block = id;
  box.dataset.kind = KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? "text";
  box.dataset.words = markdown.replace(/<[^>]*>|!\[[^\]]*\]\([^)]*\)|[#*|`$\\]/g, " ").replace(/\s+/g, " ").trim().slice(0, 60);
  Object.assign(box.style, {
    left: `${100 * left}%`,
    top: `${100 * top}%`,
    width: `${100 * (right - left)}%`,
    height: `${100 * (bottom - top)}%`,
  });
  return box;
}

// Also when the language changes.
export function labelBoxes() {
  for (const box of boxes.values()) {
    const kind = t(`reader.kind.${box.dataset.kind}`);
    setLabel(box, box.dataset.words ? `${kind}: ${box.dataset.words}` : kind);
    box.title = kind;
  }
}

function walk(event) {
  const all = [...boxes.values()];
  const at = all.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = all[to];
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// ---- the text

// Every piece of text begins after its mark (see markdown.js) and ends before the next one.
export function linkText(marks) {
  unlight();
  pieces = new Map();
  owners = new WeakMap();
  for (const [id, mark] of marks) {
    const found = [];
    let next = text.getElementsByClassName(mark)[0]?.nextElementSibling;
    while (next && !next.classList.contains("mo-at") && !next.querySelector(".mo-at")) {
      found.push(next);
      owners.set(next, id);
      next = next.nextElementSibling;
    }
    if (found.length) pieces.set(id, found);
  }
  text.classList.toggle("mo-linked", pieces.size > 0 && boxes.size > 0);
}

export const pieceOf = (id) => pieces.get(id) ?? [];
export const boxOf = (id) => boxes.get(id) ?? null;

// The blocks with something that was searched for, and the one that was gone to.
export function markBoxes(ids, current) {
  for (const [id, box] of boxes) {
    if (ids.has(id)) box.dataset.hit = id === current ? "now" : "one";
    else delete box.dataset.hit;
  }
}

// ---- lighting

export function light(id) {
  if (id === lit) return;
  unlight();
  lit = id;
  boxes.get(id)?.classList.add("mo-lit");
  for (const piece of pieceOf(id)) piece.classList.add("mo-lit");
}

function unlight() {
  boxes.get(lit)?.classList.remove("mo-lit");
  for (const piece of pieceOf(lit)) piece.classList.remove("mo-lit");
  lit = null;
}

function fromText(event) {
  if (event.target.closest("a, button, summary, input, select, textarea") || !getSelection().isCollapsed) return;
  const id = ownerOf(event.target);
  if (!id) return;
  scrollToBox(id);
  light(id);
}

// Where the window scrolls, only what was asked for may move it.
export function scrollToBox(id) {
  const box = boxes.get(id);
  const { scroll } = part;
  if (!box || !scroll.clientHeight) return;
  const [seen, place] = [scroll.getBoundingClientRect(), box.getBoundingClientRect()];
  const tall = Math.max(0, (seen.height - place.height) / 2);
  const wide = Math.max(0, (seen.width - place.width) / 2);
  scroll.scrollBy({ top: place.top - seen.top - tall, left: place.left - seen.left - wide, behavior: gently() });
}

export function scrollToText(id) {
  const [first] = pieceOf(id);
  if (first) first.scrollIntoView({ block: "center", behavior: gently() });
  light(id);
}

export const gently = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
