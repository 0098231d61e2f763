// A page that is read again by another tier: asked for, waited for, compared side by side, kept or dropped.

import { setText, show } from "../common/dom.js";
import { dropTask, isActive, on, putTask, state, tell } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { prepare } from "./markdown.js";
import { openChoices } from "../common/menu.js";
import { notify } from "../common/notice.js";
import { hasPictures, loadPage } from "./pages.js";
import { pollNow } from "../common/poll.js";
import { call, post } from "../common/server.js";

const TIERS = ["flash", "basic", "standard", "advanced"];
const COMPARED = new Set(["text", "raw"]);

let part = null;
let sheet = null;
let desk = null;
let written = () => {}; // called when there is another text to write
let asked = null; // the document whose second readings were asked for
let place = null; // { task, page, view }
let other = { id: null, record: null, text: "" }; // the second reading that is shown

export function startAgain(parts, sides, whenWritten) {
  [part, sheet, written] = [parts, sides, whenWritten];
  desk = document.getElementById("mo-right");
  part.redo.onclick = chooseTier;
  part["again-keep"].onclick = keep;
  part["again-drop"].onclick = drop;
  on("task", ({ task }) => place && task.redo_of === place.task.id && drawAgain(place.task, place.page, place.view));
  on("gone", (id) => id === other.id && place && drawAgain(place.task, place.page, place.view));
}

// The list of tasks leaves them out: they are asked for when a document is opened.
async function findReadings(id) {
  try {
    const { tasks } = await call(`api/v1/tasks/${encodeURIComponent(id)}/readings`);
    for (const task of tasks) putTask(task);
  } catch {
    // the document is told to be gone elsewhere
  }
}

// The text for the second of Gradio's Markdowns.
export const otherText = () => other.text;

const readings = (task, page) =>
  [...state.tasks.values()]
    .filter((one) => one.redo_of === task.id && one.redo_page === page)
    .sort((a, b) => b.created_at - a.created_at);

// What there is to say about another reading of this page; `task` is null when no document is open.
export function drawAgain(task, page, view) {
  place = task && page ? { task, page, view } : null;
  if (task?.id !== asked) {
    asked = task?.id ?? null;
    if (task && hasPictures(task)) findReadings(task.id);
  }
  const can = Boolean(task && !isActive(task) && task.pages_total && hasPictures(task) && !task.redo_of && page);
  show(part.redo, can);
  const found = can ? readings(task, page)[0] : null;
  show(part.again, Boolean(found));
  part.again.dataset.status = found?.status ?? "";
  if (found) setText(part["again-words"], words(found));
  const done = found?.status === "completed";
  show(part["again-keep"], done);
  if (found) setText(part["again-drop"], t(isActive(found) ? "again.stop" : done ? "again.drop" : "again.dismiss"));
  if (!done) forget();
  else if (other.id !== found.id) fetchOther(found);
  lay();
}

function words(task) {
  const { redo_page: page, status } = task;
  const tier = t(`overview.tier.${task.tier}`);
  if (status === "completed") return t("again.done", page, tier);
  if (status === "processing") return t("again.runs", page, tier);
  if (isActive(task)) return t("again.waits", page, tier, task.position);
  if (status === "cancelled") return t("again.cancelled", page, tier);
  return t("again.failed", page, tier, explain(task.error));
}

function forget() {
  if (other.id === null) return;
  other = { id: null, record: null, text: "" };
  written();
}

async function fetchOther(task) {
  other = { id: task.id, record: null, text: "" };
  try {
    const record = await loadPage(task, task.redo_page);
    if (other.id !== task.id || !record) return;
    other = { id: task.id, record, text: prepare(record, task.id, false).text };
  } catch (error) {
    if (other.id === task.id) other.id = null; // tried again with the next change
    notify(explain(error), "bad");
  }
  written();
  lay();
}

// Both readings side by side, or one above the other where it is narrow.
function lay() {
  const compared = Boolean(place && other.record && COMPARED.has(place.view));
  desk.dataset.compare = String(compared);
  show(sheet["side-now"], compared);
  show(sheet["side-new"], compared);
  if (!compared) return;
  setText(sheet["side-now"], t("again.now"));
  setText(sheet["side-new"], t("again.new", t(`overview.tier.${state.tasks.get(other.id)?.tier ?? "auto"}`)));
  setText(sheet["raw-new"], place.view === "raw" ? other.record.markdown || t("reader.empty") : "");
}

// ---- doing things

function chooseTier() {
  const { task, page } = place;
  const choices = TIERS.map((tier) => [t(`intake.tier.${tier}`), () => begin(task.id, page, tier)]);
  openChoices(part.redo, t("again.ask", page), choices);
}

async function begin(id, page, tier) {
  await doing(part.redo, async () => {
    putTask(await post(`api/v1/tasks/${encodeURIComponent(id)}/pages/${page}/redo`, { tier }));
  });
}

async function keep() {
  const { id } = other;
  await doing(part["again-keep"], async () => {
    const task = await post(`api/v1/tasks/${encodeURIComponent(id)}/keep`);
    dropTask(id);
    putTask(task);
    notify(t("again.kept", place?.page ?? ""));
  });
}

// Stops it when it still runs.
async function drop() {
  const [found] = place ? readings(place.task, place.page) : [];
  if (!found) return;
  await doing(part["again-drop"], async () => {
    await call(`api/v1/tasks/${encodeURIComponent(found.id)}`, { method: "DELETE" });
    dropTask(found.id);
  });
}

async function doing(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    notify(explain(error), "bad");
  }
  button.disabled = false;
  tell("tasks");
  if (place) drawAgain(state.tasks.get(place.task.id) ?? place.task, place.page, place.view);
  pollNow();
}
