// Which language the page speaks, and the words in it.

import { ERRORS_ZH, TEXTS } from "./texts.js";
import { tell } from "./hub.js";

const KEY = "mineru.language";
const HTML_LANG = { en: "en", zh: "zh-CN" };

let current = chosen();

function chosen() {
  const kept = remembered(KEY);
  if (kept === "en" || kept === "zh") return kept;
  const wanted = navigator.languages?.[0] ?? navigator.language ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

// Private windows may forbid storage: then a choice lasts as long as the page.
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // see above
  }
}

export const language = () => current;
export const locale = () => HTML_LANG[current];

export function setLanguage(next) {
  current = next;
  remember(KEY, next);
  document.documentElement.lang = locale();
  tell("language");
}

export function t(key, ...values) {
  const pair = TEXTS[key];
  if (!pair) return key;
  const text = pair[current === "zh" ? 1 : 0];
  return typeof text === "function" ? text(...values) : text;
}

// What went wrong, in the reader's language; the server's own sentence is the fallback.
export function explain(error) {
  if (!error) return "";
  return (current === "zh" && ERRORS_ZH[error.code]) || error.message || error.code;
}

// Fills in what the frames (*.html) leave open: data-t is text, data-t-label a label, data-t-hint a placeholder.
export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
  for (const node of root.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.matches("button, a")) node.title = t(node.dataset.tLabel);
  }
}

document.documentElement.lang = locale();
