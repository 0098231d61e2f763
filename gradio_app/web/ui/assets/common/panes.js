// Panes: whether the list and the reader stand side by side, the reader alone, or one of them fills a small window.

import { emit, on, state } from "./hub.js";
import { remember, remembered } from "./language.js";

const LIST = "mineru.list";

// With room the window is the page, and the panes scroll by themselves. Else the window scrolls, and shows one of them.
export const framed = matchMedia("(min-width: 901px) and (min-height: 560px)");

const panes = { scrolled: 0, last: "" };

export const isListSeen = () => (framed.matches ? remembered(LIST) !== "off" : !state.selected);

/** Where there is room for both. @param {boolean} seen */
export function setList(seen) {
  remember(LIST, seen ? null : "off");
  apply();
}

function apply() {
  const { classList } = document.body;
  const reading = Boolean(state.selected);
  const before = classList.contains("mo-reading");
  // the list is found again where it was left
  if (!framed.matches && reading && !before) panes.scrolled = scrollY;
  classList.toggle("mo-reading", reading);
  classList.toggle("mo-nolist", !isListSeen());
  if (!framed.matches && reading !== before) scrollTo(0, reading ? 0 : panes.scrolled);
  emit("panes");
  if (!framed.matches && !reading && before) emit("reveal", panes.last);
  panes.last = state.selected ?? "";
}

on("selected", apply);
framed.addEventListener("change", apply);
apply();
