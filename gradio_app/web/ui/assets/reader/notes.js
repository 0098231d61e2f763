// Notes of the shown document: one sentence in the reader's head, which opens a list of all with their pages.

import { el, setText, show } from "../common/dom.js";
import { noteLine, noteSummary } from "../common/language.js";
import { pane } from "./state.js";

/** @param {Task | undefined} task */
export function drawNotes(task) {
  const { notes: node, "notes-sum": sum, "notes-list": list } = pane.part;
  const notes = task?.notes ?? [];
  show(node, notes.length > 0);
  if (node.dataset.task !== task?.id) node.removeAttribute("open");
  node.dataset.task = task?.id ?? "";
  setText(sum, noteSummary(notes));
  const lines = notes.map(noteLine);
  if (list.dataset.lines === lines.join("\n")) return;
  list.dataset.lines = lines.join("\n");
  list.replaceChildren(...notes.map((note, at) => el("li", { title: note.message }, lines[at])));
}
