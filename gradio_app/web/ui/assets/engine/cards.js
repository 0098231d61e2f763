// Graphics cards: memory, load, temperature, and the programs on them.

import { el } from "../common/dom.js";
import { gigabytes, join } from "../common/format.js";
import { t } from "../common/language.js";
import { pane } from "./state.js";

export function drawCards(/** @type {HTMLElement} */ list, /** @type {Card[]} */ cards) {
  const words = JSON.stringify([t("engine.card.memory"), cards]);
  if (words === pane.drawnCards) return;
  pane.drawnCards = words;
  list.replaceChildren(...cards.map((card) => makeCard(card, cards.length > 1)));
}

function makeCard(/** @type {Card} */ card, /** @type {boolean} */ several) {
  const used = t("engine.card.used", gigabytes(card.used), gigabytes(card.total));
  const figures = join(
    card.load !== null && t("engine.card.load", card.load),
    card.temperature !== null && t("engine.card.heat", card.temperature),
  );
  return el(
    "li",
    { class: "mo-card", "data-chosen": String(card.chosen) },
    el(
      "p",
      { class: "mo-card-head" },
      el("strong", {}, card.name),
      several && card.chosen ? el("span", { class: "mo-chip" }, t("engine.card.chosen")) : null,
      el("span", { class: "mo-gap" }),
      el("span", {}, used),
    ),
    meter(card, used),
    figures ? el("p", { class: "mo-card-figures" }, figures) : null,
    people(card),
  );
}

// Whose a program is. Nobody is accused where the driver's numbers cannot be told apart from ours, as in a
// container; on a card that the engine does not use it is not the engine either.
function who(/** @type {Card} */ card, /** @type {CardProcess} */ item) {
  if (!item.ours) return "other";
  return card.chosen ? "ours" : "rest";
}

/** Ours, other programs', and what the driver counts for nobody. @param {Card} card @param {string} used */
function meter(card, used) {
  const parts = { ours: 0, other: 0, rest: 0 };
  for (const item of card.processes) parts[who(card, item)] += item.memory ?? 0;
  parts.rest = Math.max(parts.rest, card.used - parts.ours - parts.other);
  const bar = el("div", { class: "mo-meter", role: "meter", "aria-label": t("engine.card.memory"), "aria-valuemin": "0" });
  bar.setAttribute("aria-valuemax", String(card.total));
  bar.setAttribute("aria-valuenow", String(card.used));
  bar.setAttribute("aria-valuetext", used);
  for (const [name, bytes] of Object.entries(parts)) {
    if (bytes > 0) bar.append(el("i", { "data-who": name, style: `width: ${(100 * bytes) / card.total}%` }));
  }
  return bar;
}

function people(/** @type {Card} */ card) {
  if (!card.processes.length) {
    const text = t(card.used > card.total / 20 ? "engine.card.unseen" : "engine.card.alone");
    return el("p", { class: "mo-card-figures" }, text);
  }
  const rows = card.processes.map((item) =>
    el(
      "li",
      { "data-who": who(card, item) },
      el("i", { "aria-hidden": "true" }),
      el("span", { class: "mo-process" }, item.name),
      el("span", { class: "mo-process-who" }, join(t(`engine.card.${who(card, item)}`), t("engine.card.process", item.pid))),
      el("span", { class: "mo-process-memory" }, item.memory ? `${gigabytes(item.memory)} GB` : t("engine.card.hidden")),
    ),
  );
  return el("ul", { class: "mo-processes" }, ...rows);
}
