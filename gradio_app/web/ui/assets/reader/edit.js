// Correction of blocks: which can be corrected, how one gets there, and the mark on those that were.

import { all, closest, el, icon, setLabel, targetOf } from "../common/dom.js";
import { on, READABLE, selectedTask } from "../common/hub.js";
import { t } from "../common/language.js";
import { openEditor } from "./edit_form.js";
import { recordOf } from "./records.js";
import { pane } from "./state.js";

// The text of a page is written anew by Gradio: what is here is put on again each time.
const edit = { pencil: el("button", { type: "button", class: "mo-pencil", tabindex: "-1", hidden: true }, icon("pencil")), id: "", back: "" };

export function startEditing() {
  const main = document.querySelector("main") ?? document.body;
  main.append(edit.pencil);
  edit.pencil.onclick = () => begin(edit.id);
  const desk = /** @type {HTMLElement} */ (document.getElementById("mo-desk"));
  let waiting = 0;
  new MutationObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(attach);
  }).observe(desk, { childList: true, subtree: true });
  desk.addEventListener("dblclick", (event) => {
    const id = idAt(event);
    if (id && !closest(event, "a, button")) begin(id, cellAt(event));
  });
  for (const kind of ["pointerover", "click", "focusin"]) desk.addEventListener(kind, (event) => point(idAt(event)));
  desk.addEventListener("keydown", walk);
  window.addEventListener("scroll", () => point(null), true);
  window.addEventListener("resize", () => point(null));
  on("selected", () => point(null));
  on("language", attach);
}

const canEdit = () => {
  const task = selectedTask();
  return task && READABLE.has(task.status) && !task.redo_of && task.name ? task : undefined;
};

function idAt(/** @type {Event} */ { target }) {
  for (let at = target instanceof Element ? target : null; at && at.id !== "mo-desk"; at = at.parentElement) {
    const id = pane.owners.get(at);
    if (id !== undefined) return id;
  }
  return null;
}

/** Row and cell of a table, as the server counts them. @param {Event} event */
function cellAt(event) {
  const cell = /** @type {HTMLTableCellElement | null} */ (closest(event, "td, th"));
  const rows = all(cell?.closest("table") ?? document.createElement("table"), "tr");
  return cell ? `${rows.findIndex((row) => row.contains(cell))} ${cell.cellIndex}` : "";
}

/** Blocks that can have something to correct; what the server says of one decides. @param {string} id */
const firstOf = (id) => {
  const [piece] = pane.pieces.get(id) ?? [];
  // a form's fields hide what it has of the same name
  return piece instanceof HTMLElement && !(piece instanceof HTMLFormElement) ? piece : undefined;
};

function attach() {
  const able = Boolean(canEdit());
  let stop = able && ![...pane.pieces.keys()].some((id) => firstOf(id)?.tabIndex === 0);
  for (const id of pane.pieces.keys()) {
    const piece = firstOf(id);
    if (!piece) continue;
    if (able && !piece.hasAttribute("tabindex")) piece.tabIndex = stop ? 0 : -1;
    if (able) stop = false;
    if (blockOf(id)?.original === undefined) delete piece.dataset.corrected;
    else piece.dataset.corrected = t("edit.mark");
    if (id !== edit.back) continue;
    edit.back = "";
    focus(piece);
  }
}

const around = (/** @type {string} */ id) => recordOf(Number(id.split("-")[0]));

const blockOf = (/** @type {string} */ id) => around(id)?.blocks.find((block) => block.id === id);

/** The pencil goes to a block, inside its corner: so the pointer reaches it. @param {string | null} id */
function point(id) {
  const piece = id && canEdit() ? firstOf(id) : undefined;
  edit.pencil.hidden = !piece;
  if (!piece || !id) return;
  edit.id = id;
  setLabel(edit.pencil, t("edit.open"));
  const { top, right } = piece.getBoundingClientRect();
  const bound = /** @type {HTMLElement} */ (piece.closest(".prose") ?? piece).getBoundingClientRect();
  Object.assign(edit.pencil.style, { top: `${Math.max(8, top - 6)}px`, left: `${Math.min(right, bound.right, innerWidth - 8) - 30}px` });
}

// One Tab stop for all blocks of a text; arrows go on from there, Enter corrects.
function walk(/** @type {KeyboardEvent} */ event) {
  const ids = [...pane.pieces.keys()];
  const at = ids.findIndex((id) => firstOf(id) === event.target);
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const to = targetOf(event, at, ids.length);
  if (event.key === "Enter") begin(ids[at]);
  else if (to === undefined || !ids[to]) return;
  else {
    const [from, next] = [firstOf(ids[at]), firstOf(ids[to])];
    if (from) from.tabIndex = -1;
    if (next) focus(next);
  }
  event.preventDefault();
  event.stopPropagation();
}

function focus(/** @type {HTMLElement} */ piece) {
  piece.tabIndex = 0;
  piece.focus();
}

function begin(/** @type {string} */ id, cell = "") {
  const task = canEdit();
  if (!task) return;
  edit.pencil.hidden = true;
  openEditor({ task, id, cell, original: blockOf(id)?.original ?? null, aside: around(id)?.set_aside ?? [] }, () => {
    edit.back = id;
    attach();
  });
}
