// Boxes over the picture of a page, and the pieces of its text that belong to them.

import { all, closest, el, setLabel, targetOf } from "../common/dom.js";
import { emit } from "../common/hub.js";
import { remember, remembered, t } from "../common/language.js";
import { framed } from "../common/panes.js";
import { pane, written } from "./state.js";

const { part } = pane;

const BOXES = "mineru.boxes";
// The kinds that are told apart by colour; the server knows more types.
/** @type {[string, RegExp][]} */
const KINDS = [
  ["title", /title/],
  ["table", /^table/],
  ["figure", /^(image|chart)/],
  ["formula", /equation/],
  ["code", /^(code|algorithm)/],
  ["list", /^(list|index|ref_text)$/],
  ["aside", /^(header|footer|page_number|aside_text|page_footnote)$/],
];

export function startBoxes() {
  const text = written();
  part["boxes-switch"].onclick = toggleBoxes;
  part.papers.addEventListener("pointerover", (event) => light(boxAt(event)));
  part.papers.addEventListener("pointerleave", () => light(null));
  part.papers.addEventListener("focusin", (event) => light(boxAt(event)));
  // a box that is hidden, as its text is shown in its place, loses the focus too: that text stays lit
  part.papers.addEventListener("focusout", ({ target }) => target instanceof HTMLElement && target.offsetParent && light(null));
  part.papers.addEventListener("click", (event) => {
    const id = boxAt(event);
    if (id) emit("box-chosen", id);
  });
  part.papers.addEventListener("keydown", walk);
  text.addEventListener("pointerover", (event) => light(pieceAt(event)));
  text.addEventListener("pointerleave", () => light(null));
  text.addEventListener("click", fromText);
  apply();
}

const boxAt = (/** @type {Event} */ event) => closest(event, ".mo-box")?.dataset.block ?? null;

function pieceAt(/** @type {Event} */ { target }) {
  for (let at = target instanceof Element ? target : null; at && at !== written(); at = at.parentElement) {
    const id = pane.owners.get(at);
    if (id !== undefined) return id;
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
  part.papers.dataset.boxes = wanted() ? "on" : "off";
}

// ---- the boxes

/** The boxes of a page, in one node. @param {Page} record */
export function makeBoxes(record) {
  const made = el("div", { class: "mo-boxes", role: "group", "aria-label": t("reader.boxes.list", record.page) });
  for (const { id, type, bbox, markdown } of record.blocks) {
    if (bbox?.length !== 4) continue;
    const box = makeBox(id, type, bbox, markdown);
    pane.boxes.set(id, box);
    made.append(box);
  }
  const first = /** @type {HTMLElement | null} */ (made.firstElementChild);
  if (first) first.tabIndex = 0; // one stop for the keyboard; arrows go on from there
  labelBoxes();
  return made;
}

export function dropBoxes(/** @type {Page} */ record) {
  for (const { id } of record.blocks) pane.boxes.delete(id);
}

/** @param {string} id @param {string} type @param {number[]} bbox @param {string} markdown */
function makeBox(id, type, bbox, markdown) {
  const [left, top, right, bottom] = bbox.map((share) => Math.min(1, Math.max(0, Number(share) || 0)));
  const box = el("button", { type: "button", class: "mo-box", tabindex: "-1" });
  box.dataset.block = id;
  box.dataset.kind = KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? "text";
  const plain = markdown.replace(/<[^>]*>|!\[[^\]]*\]\([^)]*\)|[#*|`$\\]/g, " ").replace(/\s+/g, " ");
  box.dataset.words = plain.trim().slice(0, 60);
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
  for (const box of pane.boxes.values()) {
    const kind = t(`reader.kind.${box.dataset.kind}`);
    setLabel(box, box.dataset.words ? `${kind}: ${box.dataset.words}` : kind);
    box.title = kind;
  }
}

// Also from the last box of a page to the first one of the next.
function walk(/** @type {KeyboardEvent} */ event) {
  const boxes = all(part.papers, ".mo-box");
  const at = boxes.findIndex((box) => box === event.target);
  const to = targetOf(event, at, boxes.length);
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  if (!boxes[to]) return;
  if (boxes[at].parentElement === boxes[to].parentElement) boxes[at].tabIndex = -1;
  boxes[to].tabIndex = 0;
  boxes[to].focus();
}

// ---- the text

// Every piece of text begins after its mark (see markdown.js) and ends before the next one.
/** @param {HTMLElement} root @param {Map<string, string>} marks */
export function linkText(root, marks) {
  for (const [id, mark] of marks) {
    const found = [];
    let next = root.getElementsByClassName(mark)[0]?.nextElementSibling;
    while (next && !next.classList.contains("mo-at") && !next.querySelector(".mo-at")) {
      found.push(next);
      pane.owners.set(next, id);
      next = next.nextElementSibling;
    }
    if (found.length) pane.pieces.set(id, found);
    if (id === pane.lit) for (const piece of found) piece.classList.add("mo-lit");
  }
}

export function unlinkText(/** @type {Map<string, string>} */ marks) {
  if (marks.has(pane.lit ?? "")) light(null);
  for (const id of marks.keys()) pane.pieces.delete(id);
}

export const pieceOf = (/** @type {string | null} */ id) => pane.pieces.get(id ?? "") ?? [];

export const boxOf = (/** @type {string | null} */ id) => pane.boxes.get(id ?? "");

// The blocks with something that was searched for, and the one that was gone to.
export function markBoxes(/** @type {Set<string>} */ ids, /** @type {string | null} */ current) {
  for (const [id, box] of pane.boxes) {
    if (ids.has(id)) box.dataset.hit = id === current ? "now" : "one";
    else delete box.dataset.hit;
  }
}

// ---- lighting

export function light(/** @type {string | null} */ id) {
  if (id === pane.lit) return;
  unlight();
  pane.lit = id;
  boxOf(id)?.classList.add("mo-lit");
  for (const piece of pieceOf(id)) piece.classList.add("mo-lit");
}

function unlight() {
  boxOf(pane.lit)?.classList.remove("mo-lit");
  for (const piece of pieceOf(pane.lit)) piece.classList.remove("mo-lit");
  pane.lit = null;
}

function fromText(/** @type {Event} */ event) {
  if (closest(event, "a, button, summary, input, select, textarea") || !getSelection()?.isCollapsed) return;
  const id = pieceAt(event);
  if (!id) return;
  scrollToBox(id);
  light(id);
}

/** Where the window scrolls, only what was asked for may move it. @param {string} id */
export function scrollToBox(id) {
  const box = boxOf(id);
  if (!box || !framed.matches) return;
  pane.picture.stack?.reveal(box, isGentle());
}

export function scrollToText(/** @type {string} */ id, smooth = isGentle()) {
  const [first] = pieceOf(id);
  if (first) pane.flow.stack?.reveal(first, smooth);
  light(id);
}

const isGentle = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;
