// Keeps the page's knowledge fresh: one small request a second while something moves, fewer when not.

import { ACTIVE, dropTask, isActive, now, putEngine, putTask, setConnection, state, tell } from "./hub.js";
import { isWanted, loadView } from "../queue/view.js";
import { call } from "./server.js";

const MOST_CHANGES = 200;
const QUICK = 1000;
const IDLE = 4000;
const HIDDEN = 5000;
const OFFLINE = 3000;
// The summary of the whole queue comes along with changes. Asked for by itself: at most this often, and at least this often.
const SUMMARY_QUICK = 3000;
const SUMMARY_IDLE = 15000;
// An engine in one of these changes by itself, whatever the tasks do.
const MOVING = new Set(["starting", "waking", "draining", "stopping"]);

let revision = null;
let timer = null;
let busy = false;
let again = false;
let summaryAt = 0;
let summaryStale = true;
let quietSince = Date.now();

export function startPolling() {
  document.addEventListener("visibilitychange", () => document.hidden || pollNow());
  setInterval(() => document.hidden || tell("tick"), 1000);
  pollNow();
}

// Asks at once: after something was done here, or when the tab is looked at again.
export function pollNow() {
  quietSince = Date.now();
  summaryAt = 0;
  summaryStale = true;
  if (busy) again = true;
  else step();
}

async function step() {
  clearTimeout(timer);
  busy = true;
  let wait = OFFLINE;
  try {
    if (revision === null) await loadFirst();
    else await loadChanges();
    await loadSummary();
    wait = pause();
  } catch (error) {
    // "offline" and "signed-out" are said by the bar; polling goes on until it works again
    if (error.code === "internal_error") setConnection("offline");
  }
  busy = false;
  if (again) {
    again = false;
    wait = 0;
  }
  // a tab that nobody looks at follows only what its title counts down
  if (!document.hidden) timer = setTimeout(step, wait);
  else if (mineUnderWay()) timer = setTimeout(step, Math.max(wait, HIDDEN));
}

// How many of my documents are not done yet.
export const mineUnderWay = () => [...ACTIVE].reduce((sum, status) => sum + (state.mine[status] ?? 0), 0);

function pause() {
  const moving = mineUnderWay() > 0 || [...state.tasks.values()].some(isActive) || state.uploads.size > 0;
  return moving || Date.now() - quietSince < 10000 ? QUICK : IDLE;
}

async function loadFirst() {
  for (const task of state.tasks.values()) task.rev = -1; // the server may have begun anew: what it says now counts
  const least = await loadView();
  const open = state.tasks.get(state.selected);
  if (open?.rev === -1) await loadTask(open.id).catch(() => dropTask(open.id));
  revision = least;
  summaryStale = true;
}

async function loadChanges() {
  const delta = await call(`api/v1/tasks?since=${revision}&limit=${MOST_CHANGES}`);
  if (delta === null) return;
  if (delta.reset) return loadFirst();
  revision = delta.rev;
  for (const task of delta.tasks) {
    if (isWanted(task)) putTask(task);
    else tell("task", { task, before: null }); // no row shows it
  }
  for (const id of delta.deleted) dropTask(id);
  place(delta.places);
  quietSince = Date.now();
  again ||= delta.tasks.length === MOST_CHANGES;
  tell("tasks");
  setQueue(delta.queue);
}

// Places and estimates move without the tasks themselves changing.
function place(places) {
  for (const [id, [position, seconds]] of Object.entries(places)) {
    const task = state.tasks.get(id);
    if (!task || !isActive(task)) continue;
    task.position = position;
    task.eta_seconds = seconds;
    task.seen = Date.now();
  }
}

async function loadSummary() {
  const age = Date.now() - summaryAt;
  const restless = summaryStale || MOVING.has(state.engine?.status) || state.engine?.in_flight > 0;
  if (age < SUMMARY_QUICK || (!restless && age < SUMMARY_IDLE)) return;
  setQueue(await call("api/v1/queue"));
}

export function setQueue(queue) {
  summaryAt = Date.now();
  summaryStale = false;
  state.queue = { ...queue, seen: now() };
  putEngine(queue.engine);
  tell("queue");
}

// The engine, the cards and the last hour.
export async function loadGpu() {
  putGpu(await call("gpu/status"));
}

export function putGpu({ engine, ...cards }) {
  state.gpu = { ...cards, seen: Date.now() };
  putEngine(engine);
  tell("gpu");
}

// A task that a link names and the list does not have (yet).
export async function loadTask(id) {
  putTask(await call(`api/v1/tasks/${encodeURIComponent(id)}`));
  tell("tasks");
}
