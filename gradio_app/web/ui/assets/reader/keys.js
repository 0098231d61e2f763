// Keyboard of the reader, and the sheet that lists its keys.

import { closest } from "../common/dom.js";
import { emit, isForeign, on, selectedTask, state } from "../common/hub.js";
import { translate } from "../common/language.js";
import { select } from "../common/location.js";
import { closeBeside } from "../common/panel.js";
import { shownIds } from "../queue/state.js";
import { toggleBoxes } from "./boxes.js";
import { fitOther, isPictured, setZoom, zoomBy } from "./picture.js";
import { closeSearch, openSearch } from "./search.js";
import { pane } from "./state.js";

const { part } = pane;

// Keys that mean something else where one of these has the focus.
const TYPING = "input:not([type=range], [type=checkbox]), select, textarea, [contenteditable], [role=menu], dialog";
const OWN_ARROWS = "[role=tablist], input[type=range]";

export function startKeys(/** @type {(by: number) => void} */ step) {
  const isOpen = () => Boolean(selectedTask());
  const turn = (/** @type {number} */ by) => isOpen() && (step(by), true);
  const zoom = (/** @type {() => void} */ act) => isPictured() && (act(), true);
  /** @type {Record<string, () => boolean>} whether the key did something */
  const acts = {
    ArrowLeft: () => turn(-1),
    ArrowRight: () => turn(1),
    PageUp: () => turn(-1),
    PageDown: () => turn(1),
    j: () => neighbour(1),
    k: () => neighbour(-1),
    "+": () => zoom(() => zoomBy(1)),
    "=": () => zoom(() => zoomBy(1)), // + without shift on many keyboards
    "-": () => zoom(() => zoomBy(-1)),
    0: () => zoom(() => setZoom(100)),
    f: () => zoom(fitOther),
    b: () => zoom(toggleBoxes),
    "/": () => search(isOpen()),
    Escape: () => (closeSearch(), false),
    "?": () => (showKeys(), true),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (closest(event, TYPING) || (/^(Arrow|Page)/.test(event.key) && closest(event, OWN_ARROWS))) return;
    if (event.shiftKey && !["+", "?", "/"].includes(event.key)) return;
    if (Object.hasOwn(acts, event.key) && acts[event.key]()) event.preventDefault();
  });
  // beside the pane, which is hidden while nothing is there to be read
  document.body.append(part["keys-sheet"]);
  closeBeside(part["keys-sheet"], part["keys-close"]);
  on("language", () => translate(part["keys-sheet"]));
}

/** In the document, or in the list when none is open. @param {boolean} open */
function search(open) {
  if (open) openSearch();
  else /** @type {HTMLElement | null} */ (document.querySelector("#mo-queue input[type=search]"))?.focus();
  return true;
}

/** The next document as the list shows them, from top to bottom. @param {number} by */
function neighbour(by) {
  const ids = shownIds().filter((id) => {
    const task = state.tasks.get(id);
    return task && !isForeign(task);
  });
  const at = ids.indexOf(state.selected ?? "");
  const next = at < 0 ? ids[0] : ids[at + by];
  if (next) select(next);
  if (next) emit("reveal", next);
  return Boolean(next);
}

export const showKeys = () => part["keys-sheet"].showModal();
