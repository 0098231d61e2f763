// Polling: one small request a second while something moves, fewer when not.

import { isWanted, loadView } from "../queue/view.js";
import { ACTIVE, dropTask, emit, isActive, putEngine, putTask, selectedTask, setConnection, state } from "./hub.js";
import { call, codeOf, taskPath } from "./server.js";

const MOST_CHANGES = 200;
const QUICK = 1000;
const IDLE = 4000;
const HIDDEN = 5000;
const OFFLINE = 3000;
// The summary of the whole queue comes along with changes. Asked for by itself: at most this often, and at least this often.
const SUMMARY_QUICK = 3000;
const SUMMARY_IDLE = 15000;
// An engine in one of these changes by itself, whatever the tasks do.
const MOVING = ["starting", "waking", "draining", "stopping"];

const polling = {
  revision: /** @type {number | null} */ (null),
  timer: 0,
  busy: false,
  again: false,
  summaryAt: 0,
  summaryStale: true,
  quietSince: Date.now(),
};

export function startPolling() {
  document.addEventListener("visibilitychange", () => document.hidden || pollNow());
  setInterval(() => document.hidden || emit("tick"), 1000);
  pollNow();
}

// Asks at once: after something was done here, or when the tab is shown again.
export function pollNow() {
  polling.quietSince = Date.now();
  polling.summaryAt = 0;
  polling.summaryStale = true;
  if (polling.busy) polling.again = true;
  else step();
}

async function step() {
  clearTimeout(polling.timer);
  polling.busy = true;
  let wait = OFFLINE;
  try {
    if (polling.revision === null) await loadFirst();
    else await loadChanges(polling.revision);
    await loadSummary();
    wait = pause();
  } catch (error) {
    // "offline" and "signed-out" are said by the bar; polling goes on until it works again
    if (codeOf(error) === "internal_error") setConnection("offline");
  }
  polling.busy = false;
  if (polling.again) {
    polling.again = false;
    wait = 0;
  }
  // a hidden tab follows only what its title counts down
  if (!document.hidden) polling.timer = setTimeout(step, wait);
  else if (mineUnderWay()) polling.timer = setTimeout(step, Math.max(wait, HIDDEN));
}

// How many of my documents are not done yet.
export const mineUnderWay = () =>
  Object.entries(state.mine).reduce((sum, [status, n]) => sum + (ACTIVE.has(status) ? n : 0), 0);

function pause() {
  const moving = mineUnderWay() > 0 || [...state.tasks.values()].some(isActive) || state.uploads.size > 0;
  return moving || Date.now() - polling.quietSince < 10000 ? QUICK : IDLE;
}

async function loadFirst() {
  for (const task of state.tasks.values()) task.rev = -1; // the server may have begun anew: what it says now counts
  const least = await loadView();
  const open = selectedTask();
  if (open?.rev === -1) await loadTask(open.id).catch(() => dropTask(open.id));
  polling.revision = least;
  polling.summaryStale = true;
}

async function loadChanges(/** @type {number} */ since) {
  const delta = /** @type {Delta | null} */ (await call(`api/v1/tasks?since=${since}&limit=${MOST_CHANGES}`));
  if (delta === null) return;
  if (delta.reset) return loadFirst();
  polling.revision = delta.rev;
  for (const task of delta.tasks) {
    if (isWanted(task)) putTask(task);
    else emit("task", { task, before: null }); // no row shows it
  }
  for (const id of delta.deleted) dropTask(id);
  putPositions(delta.places);
  polling.quietSince = Date.now();
  polling.again ||= delta.tasks.length === MOST_CHANGES;
  emit("tasks");
  setQueue(delta.queue);
}

/** Positions and estimates move without the tasks themselves changing. @param {Delta["places"]} places */
function putPositions(places) {
  for (const [id, [position, seconds]] of Object.entries(places)) {
    const task = state.tasks.get(id);
    if (!task || !isActive(task)) continue;
    task.position = position;
    task.eta_seconds = seconds;
    task.seen = Date.now();
  }
}

async function loadSummary() {
  const age = Date.now() - polling.summaryAt;
  const { engine } = state;
  const restless = polling.summaryStale || (engine && (MOVING.includes(engine.status) || engine.in_flight > 0));
  if (age < SUMMARY_QUICK || (!restless && age < SUMMARY_IDLE)) return;
  setQueue(await call("api/v1/queue"));
}

export function setQueue(/** @type {Queue} */ queue) {
  polling.summaryAt = Date.now();
  polling.summaryStale = false;
  state.queue = queue;
  putEngine(queue.engine);
  emit("queue");
}

// The engine, the cards and the last hour.
export async function loadGpu() {
  putGpu(await call("gpu/status"));
}

export function putGpu(/** @type {Gpu & { engine: Engine }} */ { engine, ...cards }) {
  state.gpu = { ...cards, seen: Date.now() };
  putEngine(engine);
  emit("gpu");
}

/** A task that a link names and the list does not have (yet). @param {string} id */
export async function loadTask(id) {
  putTask(await call(taskPath(id)));
  emit("tasks");
}
