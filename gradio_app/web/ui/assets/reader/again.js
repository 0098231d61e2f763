// Second reading of a page by another tier: asked for, waited for, compared side by side, accepted or dropped.

import { setText, show } from "../common/dom.js";
import { dropTask, emit, isActive, offered, on, putTask, state } from "../common/hub.js";
import { explain, t, tierName } from "../common/language.js";
import { openChoices } from "../common/menu.js";
import { attempt, notify } from "../common/notice.js";
import { pollNow } from "../common/poll.js";
import { call, post, taskPath } from "../common/server.js";
import { tryAgainWith } from "../queue/again_with.js";
import { cellOf } from "./flow.js";
import { prepare } from "./markdown.js";
import { hasPictures, loadPage } from "./pages.js";
import { pane, written } from "./state.js";

const { part } = pane;

const COMPARED = ["text", "raw"];
const NONE = { id: null, record: null, text: "" };

export function startAgain() {
  part.redo.onclick = chooseTier;
  part["again-keep"].onclick = accept;
  part["again-drop"].onclick = drop;
  on("task", ({ task }) => task.redo_of === pane.compared?.task.id && redraw());
  on("gone", (id) => id === pane.other.id && redraw());
}

// The same page once more, with what is known by now.
function redraw() {
  if (pane.compared) drawAgain(pane.compared.task, pane.compared.page, pane.compared.view);
}

/** The list of tasks leaves them out: they are asked for when a document is opened. @param {string} id */
async function findReadings(id) {
  try {
    const { tasks } = /** @type {TaskList} */ (await call(taskPath(id, "/readings")));
    tasks.forEach(putTask);
  } catch {
    // the reader says that the document is gone
  }
}

/** Second readings of a page, the newest first. @param {Task} task @param {number} page */
const readings = (task, page) =>
  [...state.tasks.values()]
    .filter((one) => one.redo_of === task.id && one.redo_page === page)
    .sort((a, b) => b.created_at - a.created_at);

/**
 * What there is to say about another reading of this page, if a document is open.
 * @param {Task | undefined} task @param {number | null} page @param {ReaderView} view
 */
export function drawAgain(task, page, view) {
  pane.compared = task && page ? { task, page, view } : null;
  if (task?.id !== pane.asked) {
    pane.asked = task?.id ?? null;
    if (task && hasPictures(task)) findReadings(task.id);
  }
  const pictured = task && hasPictures(task) && task.pages_total > 0;
  const [found] = task && page && pictured && !isActive(task) && !task.redo_of ? readings(task, page) : [];
  show(part.redo, Boolean(pictured && page && !isActive(task) && !task.redo_of));
  show(part.again, Boolean(found));
  part.again.dataset.status = found?.status ?? "";
  const done = found?.status === "completed";
  show(part["again-keep"], done);
  if (found) {
    setText(part["again-words"], words(found));
    setText(part["again-drop"], t(isActive(found) ? "again.stop" : done ? "again.drop" : "again.dismiss"));
  }
  if (!done) forget();
  else if (pane.other.id !== found.id) fetchOther(found);
  compare();
}

function words(/** @type {Task} */ task) {
  const { redo_page: page, status } = task;
  const tier = tierName(task.tier);
  if (status === "completed") return t("again.done", page, tier);
  if (status === "processing") return t("again.runs", page, tier);
  if (isActive(task)) return t("again.waits", page, tier, task.position);
  if (status === "cancelled") return t("again.cancelled", page, tier);
  return t("again.failed", page, tier, explain(task.error));
}

function forget() {
  if (pane.other.id === null) return;
  pane.other = NONE;
  pane.renderText();
}

async function fetchOther(/** @type {Task} */ task) {
  pane.other = { ...NONE, id: task.id };
  try {
    const record = await loadPage(task, task.redo_page);
    if (pane.other.id !== task.id || !record) return;
    pane.other = { id: task.id, record, text: prepare(record, task.id, false).text };
  } catch (error) {
    if (pane.other.id === task.id) pane.other = NONE; // tried again with the next change
    notify(explain(error), "bad");
  }
  pane.renderText();
  compare();
}

// Both readings of the page side by side, or one above the other where it is narrow.
function compare() {
  const { compared, other } = pane;
  const both = compared && other.record && COMPARED.includes(compared.view);
  const cell = both ? cellOf(compared.page) : undefined;
  for (const one of pane.flow.cells) one.node.dataset.compare = String(one === cell);
  if (!cell) {
    if (part.new.parentElement !== written()) written().append(part.new);
    return;
  }
  if (part.new.parentElement !== cell.node) cell.node.append(part.new);
  setText(cell.side, t("again.now"));
  setText(part["side-new"], t("again.new", tierName(state.tasks.get(other.id ?? "")?.tier ?? "auto")));
  setText(part["raw-new"], compared?.view === "raw" ? other.record?.markdown || t("reader.empty") : "");
}

// ---- doing things

function chooseTier() {
  if (!pane.compared) return;
  const { task, page } = pane.compared;
  const tiers = offered().map((tier) => [tierName(tier, "intake.tier"), () => begin(task.id, page, tier)]);
  const whole = [t("again.with.all"), () => tryAgainWith(part.redo, task)];
  openChoices(part.redo, t("again.ask", page), /** @type {[string, () => void][]} */ ([...tiers, whole]));
}

const begin = (/** @type {string} */ id, /** @type {number} */ page, /** @type {string} */ tier) =>
  doing(part.redo, async () => putTask(await post(taskPath(id, `/pages/${page}/redo`), { tier })));

async function accept() {
  const { id } = pane.other;
  if (!id) return;
  await doing(part["again-keep"], async () => {
    const task = await post(taskPath(id, "/keep"));
    dropTask(id);
    putTask(task);
    notify(t("again.kept", pane.compared?.page ?? ""));
  });
}

// Stops it when it still runs.
async function drop() {
  const [found] = pane.compared ? readings(pane.compared.task, pane.compared.page) : [];
  if (!found) return;
  await doing(part["again-drop"], async () => {
    await call(taskPath(found.id), { method: "DELETE" });
    dropTask(found.id);
  });
}

async function doing(/** @type {HTMLButtonElement} */ button, /** @type {() => Promise<unknown>} */ work) {
  button.disabled = true;
  await attempt(work);
  button.disabled = false;
  emit("tasks");
  const { compared } = pane;
  if (compared) drawAgain(state.tasks.get(compared.task.id) ?? compared.task, compared.page, compared.view);
  pollNow();
}
