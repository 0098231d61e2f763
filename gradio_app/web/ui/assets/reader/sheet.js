// Sheet around the pages: which views of them are seen, and a note where there are none.

import { closest, setIcon, setText, show } from "../common/dom.js";
import { startFrame } from "../common/frame.js";
import { emit, selectedTask, state } from "../common/hub.js";
import { translate } from "../common/language.js";
import { tryAgainWith } from "../queue/again_with.js";
import { retry } from "../queue/row.js";
import { startBoxes } from "./boxes.js";
import { startDivider } from "./divider.js";
import { desk, pane } from "./state.js";
import { startStrip } from "./strip.js";

const { part } = pane;

export function start(/** @type {HTMLElement} */ element) {
  startFrame(element, part);
  part["note-retry"].onclick = () => state.selected && retry(part["note-retry"], state.selected, part["note-password"].value);
  part["note-with"].onclick = () => {
    const task = selectedTask();
    if (task) tryAgainWith(part["note-with"], task);
  };
  startStrip();
  startDivider();
  startBoxes();
  document.addEventListener("click", openLinks);
  // a form in a document could look like ours or act in our name, and have a field called "closest"; ours are sent by code
  document.addEventListener("submit", (event) => event.preventDefault(), true);
  for (const name of ["mo-text", "mo-picture"]) document.getElementById(name)?.setAttribute("role", "tabpanel");
  document.getElementById("mo-picture")?.setAttribute("aria-labelledby", "mo-picture-tab");
  // so that the keyboard can scroll it; the pictures scroll in their frame
  document.getElementById("mo-text")?.setAttribute("tabindex", "0");
  pane.ready = true;
  emit("sheet");
}

/** @param {ReaderView} view @param {boolean} beside @param {boolean} strip */
export function setView(view, beside, strip) {
  Object.assign(desk().dataset, { view, strip, beside });
  if (view !== "picture") document.getElementById("mo-text")?.setAttribute("aria-labelledby", `mo-${view}-tab`);
}

// ---- notes

export function showNote(/** @type {Note} */ { icon, title, hint = "", canRetry = false, canVary = false, locked = "" }) {
  desk().dataset.note = "true";
  setIcon(part["note-icon"], icon);
  setText(part["note-title"], title);
  setText(part["note-hint"], hint);
  if (part["note-password"].name !== locked) Object.assign(part["note-password"], { name: locked, value: "", hidden: !locked });
  show(part["note-retry"], canRetry);
  show(part["note-with"], canVary);
  translate(part.note);
  part.note.dataset.kind = icon;
}

export function hideNote() {
  delete desk().dataset.note;
}

// ---- links inside documents

/** They open elsewhere, and only if they lead to the web; others would take this page away. @param {Event} event */
function openLinks(event) {
  const link = /** @type {HTMLAnchorElement | null} */ (closest(event, "#mo-text a"));
  if (!link) return;
  const href = link.getAttribute("href") ?? "";
  if (!/^(https?|mailto):/i.test(href)) event.preventDefault();
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
