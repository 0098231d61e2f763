// Sheet beside the rendered text: the picture of the page, raw Markdown, JSON, or a note.

import { closest, setIcon, setText, show } from "../common/dom.js";
import { startFrame } from "../common/frame.js";
import { emit, selectedTask, state } from "../common/hub.js";
import { translate } from "../common/language.js";
import { tryAgainWith } from "../queue/again_with.js";
import { retry } from "../queue/row.js";
import { startBoxes } from "./boxes.js";
import { startDivider } from "./divider.js";
import { startPicture } from "./picture.js";
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
  startPicture();
  startStrip();
  startDivider();
  startBoxes();
  document.addEventListener("click", openLinks);
  // a form in a document could look like ours or act in our name, and have a field called "closest"; ours are sent by code
  document.addEventListener("submit", (event) => event.preventDefault(), true);
  for (const name of ["mo-text", "mo-raw", "mo-json", "mo-picture"]) {
    const panel = document.getElementById(name);
    panel?.setAttribute("role", "tabpanel");
    // so that the keyboard can scroll it; the picture scrolls in its frame
    if (name !== "mo-picture") panel?.setAttribute("tabindex", "0");
    panel?.setAttribute("aria-labelledby", `${name}-tab`);
  }
  const second = document.getElementById("mo-second");
  second?.setAttribute("role", "region");
  second?.setAttribute("tabindex", "0");
  second?.setAttribute("aria-labelledby", "mo-side-new");
  pane.ready = true;
  emit("sheet");
}

/** @param {ReaderView} view @param {boolean} beside @param {boolean} strip */
export function setView(view, beside, strip) {
  Object.assign(desk().dataset, { view, strip, beside });
  fill();
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

// ---- what the server holds of the page

export function showRecord(/** @type {Page | null} */ record) {
  pane.source = record;
  for (const name of /** @type {const} */ (["raw", "json"])) {
    setText(part[name], "");
    part[name].scrollTop = 0;
  }
  fill();
}

// A long page is written only where it is looked at.
function fill() {
  const { view } = desk().dataset;
  const { source } = pane;
  if (!source || (view !== "raw" && view !== "json") || part[view].textContent) return;
  setText(part[view], view === "raw" ? source.markdown : JSON.stringify(source, null, 2));
}

// ---- links inside documents

/** They open elsewhere, and only if they lead to the web; others would take this page away. @param {Event} event */
function openLinks(event) {
  const link = /** @type {HTMLAnchorElement | null} */ (closest(event, "#mo-text a, #mo-second a"));
  if (!link) return;
  const href = link.getAttribute("href") ?? "";
  if (!/^(https?|mailto):/i.test(href)) event.preventDefault();
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
