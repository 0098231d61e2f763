// Print of a whole document, not of the page that is shown: its HTML in a hidden frame, where nothing can act.

import { el } from "../common/dom.js";
import { READABLE, selectedTask } from "../common/hub.js";
import { attempt } from "../common/notice.js";
import { call, taskPath } from "../common/server.js";

export function startPrint() {
  document.addEventListener("keydown", (event) => {
    const task = selectedTask();
    const wanted = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "p";
    if (!wanted || !task || !READABLE.has(task.status)) return;
    event.preventDefault();
    attempt(() => printWhole(task.id));
  });
}

export async function printWhole(/** @type {string} */ id) {
  const page = await call(taskPath(id, "/result?format=html"), { as: "text" });
  document.querySelector("iframe[name=mo-print]")?.remove();
  // no scripts; of this origin, so that it can be told to print
  const frame = el("iframe", { name: "mo-print", title: "", class: "mo-sr", sandbox: "allow-same-origin allow-modals", srcdoc: page });
  frame.onload = () => frame.contentWindow?.print();
  document.body.append(frame);
}
