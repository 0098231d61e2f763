// What lies on the desk beside the rendered text: the picture of the page, the raw Markdown, or a note.

import { preparePane, setIcon, setText, show } from "./dom.js";
import { state, tell } from "./hub.js";
import { t, translate } from "./language.js";
import { retry } from "./row.js";
import { taskAddress } from "./server.js";

const WIDTH = 1200;
// Somebody who leafs quickly does not want every page drawn.
const PATIENCE = 150;

let part = null;
let desk = null;
let timer = null;

export function start(element) {
  preparePane(element);
  translate(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  desk = element.closest("#mo-right");
  part["note-retry"].onclick = () => retry(part["note-retry"], state.selected);
  part.picture.onload = () => part.picture.parentElement.classList.remove("mo-busy");
  part.picture.onerror = () => {
    part.picture.parentElement.classList.remove("mo-busy");
    caption(t("reader.nopicture"));
  };
  document.addEventListener("click", openLinks);
  // a form in a document could be made to look like ours, or to ask our server for something
  document.addEventListener("submit", (event) => event.target.closest("#mo-text") && event.preventDefault());
  for (const name of ["mo-text", "mo-raw", "mo-picture"]) {
    const panel = document.getElementById(name);
    panel?.setAttribute("role", "tabpanel");
    panel?.setAttribute("tabindex", "0"); // so that the keyboard can scroll it
    panel?.setAttribute("aria-labelledby", `${name}-tab`);
  }
  tell("sheet");
}

export const isReady = () => part !== null;

export function setView(view, beside) {
  desk.dataset.view = view;
  desk.dataset.beside = String(beside);
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

// ---- raw text

export function showRaw(text) {
  setText(part.raw, text);
  part.raw.scrollTop = 0;
}

// ---- the picture

export function showPicture(task, page) {
  clearTimeout(timer);
  const wanted = taskAddress(task.id, `/pages/${page}.png?width=${WIDTH}`);
  part.picture.alt = t("reader.alt", page);
  if (part.picture.src === wanted) return;
  caption("");
  part.picture.parentElement.classList.add("mo-busy");
  timer = setTimeout(() => (part.picture.src = wanted), PATIENCE);
}

export function hidePicture() {
  clearTimeout(timer);
  part.picture.removeAttribute("src");
  caption("");
}

function caption(text) {
  setText(part.caption, text);
  show(part.caption, Boolean(text));
  show(part.picture, !text);
}

// ---- links inside documents

// They open elsewhere, and only if they lead to the web; others would take this page away.
function openLinks(event) {
  const link = event.target.closest?.("#mo-text a");
  if (!link) return;
  const href = link.getAttribute("href") ?? "";
  if (!/^(https?|mailto):/i.test(href)) event.preventDefault();
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
