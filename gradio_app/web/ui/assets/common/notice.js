// Notices: short lines at the bottom of the page, read out by screen readers.

import { el } from "./dom.js";
import { explain } from "./language.js";

const SHOWN_FOR = 6000;

const spoken = el("div", { class: "mo-sr", role: "status", "aria-live": "polite" });
const shown = el("div", { class: "mo-notices", role: "alert" });
document.body.append(spoken, shown);

/** Said, not shown: the page shows it elsewhere. @param {string} text */
export function say(text) {
  spoken.textContent = text;
}

/** An open dialog covers everything that is not inside it. @param {HTMLElement} node */
export function hostNotices(node) {
  node.append(spoken, shown);
}

export function notify(/** @type {string} */ text, kind = "info") {
  const note = el("div", { class: `mo-notice mo-notice-${kind}` }, text);
  shown.append(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}

/** Does something, and says what went wrong. Resolves to whether it was done. @param {() => Promise<unknown>} work */
export async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    notify(explain(error), "bad");
    return false;
  }
}
