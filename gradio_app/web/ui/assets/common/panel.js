// Panel: a dialog that asks the server again and again while it is open and seen.

import { on } from "./hub.js";
import { hostNotices } from "./notice.js";

/**
 * Opens the dialog with a topic; returns what asks at once.
 * @param {PanelParts} part @param {"open-engine" | "open-overview"} topic
 * @param {number} every milliseconds @param {() => Promise<void>} ask
 */
export function startPanel(part, topic, every, ask) {
  let timer = 0;
  const poll = async () => {
    clearTimeout(timer);
    await ask();
    if (part.dialog.open && !document.hidden) timer = setTimeout(poll, every);
  };
  closeBeside(part.dialog, part.close);
  part.dialog.onclose = () => {
    clearTimeout(timer);
    hostNotices(document.body);
  };
  document.addEventListener("visibilitychange", () => document.hidden || (part.dialog.open && poll()));
  on(topic, () => {
    if (part.dialog.open) return;
    part.dialog.showModal();
    part.body.scrollTop = 0;
    hostNotices(part.dialog);
    poll();
  });
  return poll;
}

/** Closes with its button, and with a click beside the dialog. @param {HTMLDialogElement} dialog @param {HTMLElement} button */
export function closeBeside(dialog, button) {
  button.onclick = () => dialog.close();
  dialog.onclick = (event) => event.target === dialog && dialog.close();
}
