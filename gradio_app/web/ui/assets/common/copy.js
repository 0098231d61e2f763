// Clipboard: copying, also where the browser has no API for it.

import { setText } from "./dom.js";
import { t } from "./language.js";
import { notify } from "./notice.js";

/**
 * What the button shows changes for a moment when it has words.
 * @param {string} text @param {HTMLElement} button @param {string | null} html
 */
export async function copy(text, button, html = null) {
  if (await copied(text, html)) {
    const words = /** @type {HTMLElement | null} */ (button.querySelector("[data-t]"));
    if (words) setText(words, t("reader.copied"));
    notify(t("reader.copied"));
    setTimeout(() => words && setText(words, t(words.dataset.t ?? "")), 1500);
  } else {
    notify(t("reader.notcopied"), "bad");
  }
}

// The clipboard API is there on HTTPS and localhost only; the page is also served over a plain LAN.
async function copied(/** @type {string} */ text, /** @type {string | null} */ html) {
  try {
    if (html !== null && globalThis.ClipboardItem) {
      const blob = (/** @type {string} */ type, /** @type {string} */ content) => ({ [type]: new Blob([content], { type }) });
      const kinds = { ...blob("text/plain", text), ...blob("text/html", html) };
      await navigator.clipboard.write([new ClipboardItem(kinds)]);
      return true;
    }
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "mo-sr";
    const before = document.activeElement;
    (document.querySelector("dialog[open]") ?? document.body).append(area); // all else is out of reach then
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before instanceof HTMLElement) before.focus();
    return done;
  }
}
