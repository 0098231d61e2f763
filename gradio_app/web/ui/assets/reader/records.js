// Records of the pages that are seen or near: asked for a few at a time, the nearest first, and kept for a while.

import { isActive } from "../common/hub.js";
import { isAborted } from "../common/server.js";
import { loadPage, pageNumbers } from "./pages.js";
import { pane } from "./state.js";

// At the same time: a browser has six connections to a server, and pictures need some.
const MOST = 2;
const KEPT = 60;

const { records } = pane;

/** Null: it is not there; undefined: not known yet. @param {number | null} page */
export const recordOf = (page) => records.known.get(page ?? 0);

/** Forgets all. @param {Task | undefined} task */
export function openRecords(task) {
  records.loading.forEach((request) => request.abort());
  Object.assign(records, { task: task ?? null, known: new Map(), loading: new Map(), wanted: [], stale: new Set() });
}

/** The task moved on. All are asked for again if they may be others, else those that were not there. @param {Task} task */
export function renewRecords(task, all = false) {
  records.task = task;
  for (const [page, record] of records.known) if (all || !record) records.stale.add(page);
  next();
}

/** The pages that are wanted now, the most urgent first. @param {number[]} pages */
export function want(pages) {
  records.wanted = pages;
  for (const [page, request] of records.loading) if (!pages.includes(page)) request.abort();
  for (const page of records.known.keys()) {
    if (records.known.size <= KEPT) break;
    if (!pages.includes(page)) records.known.delete(page);
  }
  next();
}

/** Whether there is anything to ask for: pages come in order, more or less. @param {Task} task @param {number} page */
const mayBeThere = (task, page) =>
  task.pages_done > 0 && (!isActive(task) || page === records.wanted[0] || pageNumbers(task).indexOf(page) < task.pages_done);

function next() {
  const { task, known, loading, stale, wanted } = records;
  if (!task) return;
  for (const page of wanted) {
    if (loading.size >= MOST) return;
    if (loading.has(page) || (known.has(page) && !stale.has(page))) continue;
    if (mayBeThere(task, page)) load(task, page);
    else put(page, null);
  }
}

async function load(/** @type {Task} */ task, /** @type {number} */ page) {
  const request = new AbortController();
  const { loading } = records;
  loading.set(page, request);
  try {
    const record = await loadPage(task, page, request.signal);
    if (records.loading === loading) put(page, record);
  } catch (error) {
    // what did not come while the server was away is asked for when it is back, by `renewRecords`
    if (!isAborted(error) && records.loading === loading && !records.known.get(page)) put(page, null, error);
  }
  loading.delete(page);
  if (records.loading === loading) next();
}

/** @param {number} page @param {Page | null} record @param {unknown} problem */
function put(page, record, problem = null) {
  const before = records.known.get(page);
  records.stale.delete(page);
  records.known.delete(page); // those that came last stay longest
  records.known.set(page, record);
  if (before === undefined || problem || JSON.stringify(before) !== JSON.stringify(record)) pane.arrived(page, problem);
}
