// What lies on the desk beside the rendered text: the picture of the page, raw Markdown, JSON, or a note.

import { preparePane, setIcon, setText, show } from "../common/dom.js";
import { on, state, tell } from "../common/hub.js";
import { translate } from "../common/language.js";
import { retry } from "../queue/row.js";
import { startBoxes } from "./boxes.js";
import { startPicture } from "./picture.js";
import { startStrip } from "./strip.js";

let part = null;
let desk = null;
let picked = () => {};

export function start(element) {
  preparePane(element);
  translate(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  desk = element.closest("#mo-right");
  part["note-retry"].onclick = () => retry(part["note-retry"], state.selected);
  startPicture(part);
  startStrip(part);
  startBoxes(part, (id) => picked(id));
  on("language", () => translate(element));
  document.addEventListener("click", openLinks);
  // a form in a document could be made to look like ours, or to ask our server for something
  document.addEventListener("submit", (event) => event.target.closest("#mo-text, #mo-second") && event.preventDefault());
  for (const name of ["mo-text", "mo-raw", "mo-json", "mo-picture"]) {
    const panel = document.getElementById(name);
    panel?.setAttribute("role", "tabpanel");
    // so that the keyboard can scroll it; of the picture's only a part scrolls
    if (name !== "mo-picture") panel?.setAttribute("tabindex", "0");
    panel?.setAttribute("aria-labelledby", `${name}-tab`);
  }
  const second = document.getElementById("mo-second");
  second?.setAttribute("role", "region");
  second?.setAttribute("tabindex", "0");
  second?.setAttribute("aria-labelledby", "mo-side-new");
  tell("sheet");
}

export const isReady = () => part !== null;

// The parts of the sheet where a second reading is shown.
export const sides = () => part;

// Who is told the id of a box that was chosen.
export function onPicked(listener) {
  picked = listener;
}

export function setView(view, beside, strip) {
  desk.dataset.view = view;
  desk.dataset.strip = String(strip);
  desk.dataset.beside = String(beside);
  fill();
}

// ---- notes

export function showNote({ icon, title, hint = "", canRetry = false }) {
  desk.dataset.note = "true";
  setIcon(part["note-icon"], icon);
  setText(part["note-title"], title);
  setText(part["note-hint"], hint);
  show(part["note-retry"], canRetry);
  translate(part.note);
  part.note.dataset.kind = icon;
}

export function hideNote() {
  delete desk.dataset.note;
}

// ---- what the server holds of the page

let record = null;

export function showRecord(next) {
  record = next;
  for (const name of ["raw", "json"]) {
    setText(part[name], "");
    part[name].scrollTop = 0;
  }
  fill();
}

// A long page is written only where it is looked at.
function fill() {
  const { view } = desk.dataset;
  if (!record || part[view]?.textContent || (view !== "raw" && view !== "json")) return;
  setText(part[view], view === "raw" ? record.markdown : JSON.stringify(record, null, 2));
}

// ---- links inside documents

// They open elsewhere, and only if they lead to the web; others would take this page away.
function openLinks(event) {
  const link = event.target.closest?.("#mo-text a, #mo-second a");
  if (!link) return;
  const href = link.getAttribute("href") ?? "";
  if (!/^(https?|mailto):/i.test(href)) event.preventDefault();
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
