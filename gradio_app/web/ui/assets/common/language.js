// Translations: the language of the page, its words, and what the browser remembers.

import { all } from "./dom.js";
import { emit, state } from "./hub.js";
import { ERRORS_EN, ERRORS_ZH, NOTES_ZH, TEXTS } from "./texts.js";

const KEY = "mineru.language";
const HTML_LANG = { en: "en", zh: "zh-CN" };

/** @returns {Language} */
function preferred() {
  const stored = remembered(KEY);
  if (stored === "en" || stored === "zh") return stored;
  const wanted = navigator.languages?.[0] ?? navigator.language ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Private windows may forbid storage: then a choice lasts as long as the page. @param {string} key */
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(/** @type {string} */ key, /** @type {string | null} */ value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // see above
  }
}

export const locale = () => HTML_LANG[state.language];

export function setLanguage(/** @type {Language} */ next) {
  state.language = next;
  remember(KEY, next);
  document.documentElement.lang = locale();
  emit("language");
}

/** The text of a key, with values. @param {string} key @param {any[]} values */
export function t(key, ...values) {
  const pair = TEXTS[key];
  if (!pair) return key;
  const text = pair[state.language === "zh" ? 1 : 0];
  return typeof text === "function" ? text(...values) : text;
}

/** Name of a tier, or of a reader, which has none but its own. @param {string} tier @param {string} where */
export const tierName = (tier, where = "overview.tier") => (TEXTS[`${where}.${tier}`] ? t(`${where}.${tier}`) : tier);

/** What went wrong, in the reader's language; the server's own sentence is the fallback. @param {unknown} error */
export function explain(error) {
  if (!error) return "";
  const { code = "", message } = /** @type {Partial<ErrorBody>} */ (error);
  return (state.language === "zh" ? ERRORS_ZH : ERRORS_EN)[code] || message || code;
}

/** A note in the reader's language, with its pages. @param {TaskNote} note */
export function noteLine({ code, pages, message }) {
  const text = (state.language === "zh" && NOTES_ZH[code]) || message;
  return pages ? t("notes.on", pages, text) : text;
}

/** The first note, and how many more there are; empty without notes. @param {TaskNote[]} notes */
export function noteSummary(notes = []) {
  if (!notes.length) return "";
  return notes.length === 1 ? noteLine(notes[0]) : t("notes.more", noteLine(notes[0]), notes.length - 1);
}

// Fills in what the frames (*.html) leave open: data-t is text, data-t-label a label, data-t-hint a placeholder.
export function translate(/** @type {ParentNode} */ root) {
  for (const node of all(root, "[data-t]")) node.textContent = t(node.dataset.t ?? "");
  for (const node of all(root, "[data-t-hint]")) node.setAttribute("placeholder", t(node.dataset.tHint ?? ""));
  for (const node of all(root, "[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel ?? ""));
    if (node.matches("button, a")) node.title = t(node.dataset.tLabel ?? "");
  }
}

state.language = preferred();
document.documentElement.lang = locale();
