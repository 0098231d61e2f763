// Keyboard of the list: it is one stop for the Tab key, and arrows lead from row to row.

import { closest, targetOf } from "../common/dom.js";
import { emit, state } from "../common/hub.js";
import { pane, shownIds } from "./state.js";

const { part, rows } = pane;

export function startWalk() {
  part.groups.addEventListener("keydown", walk);
  part.groups.addEventListener("focusin", (event) => setStop(idAt(event)));
}

const idAt = (/** @type {Event} */ event) => closest(event, "[data-task]")?.dataset.task ?? "";

function setStop(/** @type {string} */ id) {
  const before = pane.stop;
  if (!id || id === before) return;
  pane.stop = id;
  for (const one of [before, id]) rows.get(one)?.update();
}

// The row of the open document, or the first one, where the old stop is gone.
export function keepStop() {
  const ids = shownIds();
  if (!ids.includes(pane.stop)) setStop(ids.includes(state.selected ?? "") ? (state.selected ?? "") : (ids[0] ?? ""));
}

function walk(/** @type {KeyboardEvent} */ event) {
  const ids = shownIds();
  const to = targetOf(event, ids.indexOf(idAt(event)), ids.length);
  if (to === undefined || !idAt(event)) return;
  event.preventDefault();
  event.stopPropagation();
  focusRow(ids[to]);
}

/** However far away it is. @param {string | undefined} id */
export function focusRow(id) {
  if (!id) return;
  emit("reveal", id);
  rows.get(id)?.node.querySelector("a")?.focus();
}
