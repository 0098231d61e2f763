// Hits of a search in the text of documents: a line for each page, below the row of its document.

import { el } from "../common/dom.js";
import { emit } from "../common/hub.js";
import { t } from "../common/language.js";

/** @param {string} task @param {TextHit[]} hits */
export const hitRows = (task, hits) => hits.map((hit) => hitRow(task, hit));

/** @param {string} task @param {TextHit} hit */
function hitRow(task, { page, line, marks }) {
  const pieces = piecesOf(line, marks);
  const texts = pieces.filter(({ marked }) => marked).map(({ text }) => text);
  const words = pieces.map(({ text, marked }) => (marked ? el("mark", {}, text) : text));
  return el(
    "button",
    { type: "button", "aria-label": t("reader.search.hit", page, line), onclick: () => emit("find", { task, page, texts }) },
    el("span", { class: "mo-hit-page" }, t("queue.hit.page", page)),
    el("span", { class: "mo-hit-line", dir: "auto" }, ...words),
  );
}

/** Offsets count characters of Unicode, not JavaScript's units. @param {string} line @param {[number, number][]} marks */
function piecesOf(line, marks) {
  const characters = [...line];
  const cut = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join("");
  const pieces = marks.flatMap(([start, end], index) => [
    { text: cut(index ? marks[index - 1][1] : 0, start), marked: false },
    { text: cut(start, end), marked: true },
  ]);
  return [...pieces, { text: cut(marks.at(-1)?.[1] ?? 0, characters.length), marked: false }];
}
