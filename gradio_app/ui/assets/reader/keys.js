// The reader's keys, and the sheet that lists them.

import { el, icon, setLabel } from "../common/dom.js";
import { isForeign, on, state, tell } from "../common/hub.js";
import { t } from "../common/language.js";
import { select } from "../common/location.js";
import { sections } from "../queue/view.js";
import { closeSearch, openSearch } from "./search.js";
import { toggleBoxes } from "./boxes.js";
import { fitOther, isPictured, setZoom, zoomBy } from "./picture.js";

// Keys that mean something else where one of these has the focus.
const TYPING = "input:not([type=range], [type=checkbox]), select, textarea, [contenteditable], [role=menu], dialog";
const OWN_ARROWS = "[role=tablist], input[type=range]";

// [keys, text]
const LIST = [
  [["←", "→", "PageUp", "PageDown"], "reader.keys.turn"],
  [["j", "k"], "reader.keys.document"],
  [["+", "-"], "reader.keys.zoom"],
  [["0"], "reader.keys.actual"],
  [["f"], "reader.keys.fit"],
  [["b"], "reader.keys.boxes"],
  [["↑", "↓"], "reader.keys.walk"],
  [["/"], "reader.keys.search"],
  [["?"], "reader.keys.help"],
  [["Esc"], "reader.keys.escape"],
];

let dialog = null;

export function startKeys({ step, isOpen }) {
  const turn = (by) => isOpen() && (step(by), true);
  const zoom = (act) => isPictured() && (act(), true);
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
    const at = event.target;
    if (at.closest?.(TYPING) || (/^(Arrow|Page)/.test(event.key) && at.closest?.(OWN_ARROWS))) return;
    if (event.shiftKey && !["+", "?", "/"].includes(event.key)) return;
    if (Object.hasOwn(acts, event.key) && acts[event.key]()) event.preventDefault();
  });
  on("language", () => dialog?.remove());
}

// In the document, or in the list when none is open.
function search(open) {
  if (open) openSearch();
  else document.querySelector("#mo-queue input[type=search]").focus();
  return true;
}

// The next document as the list shows them, from top to bottom.
function neighbour(by) {
  const ids = sections.flatMap((section) => section.ids).filter((id) => !isForeign(state.tasks.get(id)));
  const at = ids.indexOf(state.selected);
  const next = at < 0 ? ids[0] : ids[at + by];
  if (next) select(next);
  if (next) tell("reveal", next);
  return Boolean(next);
}

export function showKeys() {
  if (!dialog?.isConnected) dialog = makeSheet();
  dialog.showModal();
}

function makeSheet() {
  const close = el("button", { type: "button", class: "mo-tool" }, icon("close"));
  setLabel(close, t("reader.keys.close"));
  const rows = LIST.flatMap(([keys, text]) => [
    el("dt", {}, ...keys.map((key) => el("kbd", {}, key))),
    el("dd", {}, t(text)),
  ]);
  const title = el("h2", { id: "mo-keys-title" }, t("reader.keys"));
  const sheet = el(
    "dialog",
    { class: "mo-pane mo-keys", "aria-labelledby": "mo-keys-title" },
    el("header", {}, title, close),
    el("dl", {}, ...rows),
  );
  close.onclick = () => sheet.close();
  sheet.onclick = (event) => event.target === sheet && sheet.close(); // beside it
  document.body.append(sheet);
  return sheet;
}
