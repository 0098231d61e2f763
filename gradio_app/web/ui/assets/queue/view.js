// Query of the list: which documents it shows, asked of the server page by page and kept right while they change. No DOM.

import { emit, isForeign, on, putTask, state } from "../common/hub.js";
import { call } from "../common/server.js";
import { pane, shownIds } from "./state.js";

const { view } = pane;

const PAGE = 100;
// Waiting documents that are shown before those that have ended; all of them when only these are asked for.
const FEW_WAITING = 8;
const COUNT_AT_MOST_EVERY = 2500;

/** @type {Record<Exclude<Kind, "all">, Status[]>} */
export const KINDS = {
  running: ["processing", "cancelling"],
  waiting: ["pending", "queued"],
  done: ["completed"],
  failed: ["failed", "partial"],
  cancelled: ["cancelled"],
};
const ENDED = [...KINDS.done, ...KINDS.failed, ...KINDS.cancelled];

// ---- orders, as the server has them

const folded = (/** @type {string} */ text) => text.normalize("NFKC").toLowerCase();

/** @param {Task} task */
const label = (task) => (isForeign(task) ? "" : `${folded(task.name)}\n${folded(task.folder)}`);

/** @type {Section["compare"]} */
const bySeq = (a, b) => a.seq - b.seq;

/** @type {Record<string, Section["compare"]>} */
const ORDERS = {
  newest: (a, b) => b.seq - a.seq,
  oldest: bySeq,
  name: (a, b) => (label(a) < label(b) ? -1 : label(a) > label(b) ? 1 : bySeq(a, b)),
  pages: (a, b) => b.pages_total - a.pages_total || b.seq - a.seq,
  finished: (a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0) || b.seq - a.seq,
  started: (a, b) => (a.started_at ?? 0) - (b.started_at ?? 0) || bySeq(a, b),
  position: (a, b) => (a.position ?? 1e9) - (b.position ?? 1e9) || bySeq(a, b),
};

/** @param {string} name @param {Status[]} statuses @param {string} sort @returns {Section} */
const makeSection = (name, statuses, sort, order = sort, few = Infinity) => ({
  name,
  statuses: new Set(statuses),
  sort,
  compare: ORDERS[order],
  ids: [],
  next: "",
  few,
  loading: null,
  stale: false,
});

function makeSections() {
  const wanted = view.kind === "all" ? null : KINDS[view.kind];
  if (view.sort !== "state") return [makeSection("found", wanted ?? [], view.sort)];
  return [
    makeSection("active", KINDS.running, "oldest", "started"),
    makeSection("waiting", KINDS.waiting, "oldest", "position", wanted ? Infinity : FEW_WAITING),
    makeSection("ended", wanted ?? ENDED, "finished"),
  ].filter(({ statuses }) => !wanted || wanted.every((status) => statuses.has(status)));
}

// ---- asking

/** @param {Iterable<string>} statuses @param {Record<string, string>} more */
function query(statuses, more = {}) {
  const asked = new URLSearchParams(more);
  if ([...statuses].length) asked.set("status", [...statuses].join(","));
  if (view.words.trim()) asked.set("q", view.words.trim());
  if (view.mine) asked.set("mine", "true");
  return asked;
}

export const kindQuery = () => query(view.kind === "all" ? [] : KINDS[view.kind]);

// Asks for the first rows of everything; returns the revision that they are at least of.
export async function loadView() {
  const mine = (pane.round += 1);
  const fresh = makeSections();
  const [answers] = await Promise.all([Promise.all(fresh.map(ask)), loadCounts()]);
  if (mine !== pane.round) return answers[0].rev;
  pane.sections = fresh;
  pane.hits.clear();
  pane.partial = answers.some(({ complete }) => complete === false);
  fresh.forEach((section, index) => take(section, answers[index]));
  prune();
  state.loaded = true;
  emit("view");
  emit("tasks");
  return Math.min(...answers.map(({ rev }) => rev));
}

export function change(/** @type {Partial<View>} */ next) {
  Object.assign(view, next);
  emit("view-asked");
  return loadView();
}

/** @param {Section} section @returns {Promise<TaskList>} */
function ask(section) {
  const limit = String(Math.min(PAGE, section.few));
  return call(`api/v1/tasks?${query(section.statuses, { sort: section.sort, limit, cursor: section.next ?? "" })}`);
}

function take(/** @type {Section} */ section, /** @type {TaskList} */ answer) {
  section.next = answer.next;
  // first in the section, so that it knows them when they are announced
  section.ids = [...new Set([...section.ids, ...answer.tasks.map(({ id }) => id)])];
  for (const { id, hits } of answer.tasks) if (hits?.length) pane.hits.set(id, hits);
  answer.tasks.forEach(putTask);
  section.ids = section.ids.filter((id) => state.tasks.has(id));
  sort(section);
}

/** The next page of a section, if there is one. @param {Section} section */
export async function loadMore(section) {
  if (section.next === null || section.loading || section.ids.length >= section.few) return;
  const mine = pane.round;
  section.loading = ask(section);
  try {
    const answer = await section.loading;
    if (mine === pane.round) take(section, answer);
  } finally {
    section.loading = null;
  }
  if (mine === pane.round) emit("tasks");
}

// How many there are of each kind that match, and how many of mine are under way.
async function loadCounts() {
  pane.countedAt = Date.now();
  const asked = pane.round;
  /** @type {TaskList[]} */
  const [matching, mine] = await Promise.all([
    call(`api/v1/tasks?${query([], { limit: "0" })}`),
    call("api/v1/tasks?limit=0&mine=true"),
  ]);
  state.mine = mine.counts;
  if (asked === pane.round) state.counts = matching.counts;
  emit("counts");
}

// Quietly, after something has changed, and not all the time.
export function countSoon() {
  pane.counting ??= setTimeout(() => {
    pane.counting = null;
    loadCounts().catch(() => {}); // the bar says when the server cannot be reached
  }, Math.max(0, pane.countedAt + COUNT_AT_MOST_EVERY - Date.now()));
}

export function countOf(/** @type {Kind} */ kind, counts = state.counts) {
  const names = /** @type {Status[]} */ (kind === "all" ? Object.keys(counts) : KINDS[kind]);
  return names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

// ---- keeping it right

function sort(/** @type {Section} */ section) {
  const tasks = section.ids.flatMap((id) => state.tasks.get(id) ?? []);
  section.ids = tasks.sort(section.compare).map(({ id }) => id);
}

function matches(/** @type {Section} */ section, /** @type {Task} */ task) {
  if (section.statuses.size && !section.statuses.has(task.status)) return false;
  if (task.redo_of || (view.mine && !task.mine)) return false;
  const words = folded(view.words.replace(/["“”„«»]/g, " ")).split(/\s+/).filter(Boolean);
  return !words.length || pane.hits.has(task.id) || (!isForeign(task) && words.every((word) => label(task).includes(word)));
}

/** Whether a task belongs among the rows that are loaded. @param {Section} section @param {Task} task */
function fits(section, task) {
  if (!matches(section, task)) return false;
  if (section.next === null || section.ids.includes(task.id)) return true;
  const last = state.tasks.get(section.ids.at(-1) ?? "");
  return last !== undefined && section.compare(task, last) < 0;
}

export const isWanted = (/** @type {Task} */ task) =>
  state.tasks.has(task.id) ||
  Boolean(task.redo_of) ||
  task.id === state.selected ||
  pane.sections.some((section) => fits(section, task));

function assign(/** @type {TaskChange} */ { task }) {
  if (!state.tasks.has(task.id)) return; // announced, not stored
  for (const section of pane.sections) {
    const at = section.ids.indexOf(task.id);
    if (fits(section, task)) {
      if (at < 0) section.ids.push(task.id);
      section.stale = true;
    } else if (at >= 0) {
      section.ids.splice(at, 1);
    }
  }
}

// Puts what has changed where it belongs; asks for more where rows have left.
export function tidy() {
  for (const section of pane.sections) {
    if (section.stale || section.name === "waiting") sort(section);
    section.stale = false;
    if (section.ids.length > section.few) {
      section.ids.length = section.few;
      section.next ??= "";
    }
    if (section.next !== null && section.ids.length < Math.min(section.few, 10)) {
      section.next = ""; // from the beginning: positions have moved
      loadMore(section).catch(() => {});
    }
  }
}

function remove(/** @type {string} */ id) {
  for (const section of pane.sections) {
    const at = section.ids.indexOf(id);
    if (at >= 0) section.ids.splice(at, 1);
  }
}

// Forgets what no row shows and nobody reads.
function prune() {
  const shown = new Set(shownIds());
  for (const [id, task] of state.tasks) {
    if (!shown.has(id) && id !== state.selected && !task.redo_of) state.tasks.delete(id);
  }
}

on("task", assign);
on("gone", remove);
