// Which documents the list shows: asked of the server page by page, and kept right while they change. No DOM here.

import { isActive, isForeign, on, state, tell } from "../common/hub.js";
import { call } from "../common/server.js";

const PAGE = 100;
// Waiting documents that are shown before those that have ended; all of them when only these are asked for.
const FEW_WAITING = 8;
const COUNT_AT_MOST_EVERY = 2500;

export const KINDS = {
  running: ["processing", "cancelling"],
  waiting: ["pending", "queued"],
  done: ["completed"],
  failed: ["failed", "partial"],
  cancelled: ["cancelled"],
};
const ENDED = [...KINDS.done, ...KINDS.failed, ...KINDS.cancelled];
export const SORTS = ["state", "newest", "oldest", "name", "pages", "finished"];

// What is asked for. `kind` is one of KINDS or "all"; "state" groups by what happens to a document.
export const view = { mine: false, kind: "all", words: "", sort: "state" };

export let sections = []; // { name, statuses, sort, compare, ids, next, few, loading, stale }

let round = 0; // of asking; answers of an earlier one are dropped
let countedAt = 0;
let counting = null;

// ---- orders, as the server has them

const folded = (text) => text.normalize("NFKC").toLowerCase();
const label = (task) => (isForeign(task) ? "" : `${folded(task.name)}\n${folded(task.folder)}`);
const bySeq = (a, b) => a.seq - b.seq;
const ORDERS = {
  newest: (a, b) => b.seq - a.seq,
  oldest: bySeq,
  name: (a, b) => (label(a) < label(b) ? -1 : label(a) > label(b) ? 1 : bySeq(a, b)),
  pages: (a, b) => b.pages_total - a.pages_total || b.seq - a.seq,
  finished: (a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0) || b.seq - a.seq,
  started: (a, b) => (a.started_at ?? 0) - (b.started_at ?? 0) || bySeq(a, b),
  place: (a, b) => (a.position ?? 1e9) - (b.position ?? 1e9) || bySeq(a, b),
};

function layOut() {
  const wanted = view.kind === "all" ? null : KINDS[view.kind];
  const section = (name, statuses, sort, order = sort, few = Infinity) => ({
    name, statuses: new Set(statuses), sort, compare: ORDERS[order], ids: [], next: "", few, loading: null, stale: false,
  });
  if (view.sort !== "state") return [section("found", wanted ?? [], view.sort)];
  return [
    section("active", KINDS.running, "oldest", "started"),
    section("waiting", KINDS.waiting, "oldest", "place", wanted ? Infinity : FEW_WAITING),
    section("ended", wanted ?? ENDED, "finished"),
  ].filter(({ statuses }) => !wanted || wanted.every((status) => statuses.has(status)));
}

// ---- asking

function query(statuses, more = {}) {
  const asked = new URLSearchParams(more);
  if (statuses?.size) asked.set("status", [...statuses].join(","));
  if (view.words.trim()) asked.set("q", view.words.trim());
  if (view.mine) asked.set("mine", "true");
  return asked;
}

export const kindQuery = () => query(new Set(view.kind === "all" ? [] : KINDS[view.kind]));

// Asks for the first rows of everything; returns the revision that they are at least of.
export async function loadView() {
  const mine = (round += 1);
  const fresh = layOut();
  const [first, ...others] = await Promise.all([...fresh.map((section) => ask(section)), loadCounts()]);
  if (mine !== round) return first.rev;
  sections = fresh;
  const answers = [first, ...others.slice(0, fresh.length - 1)];
  fresh.forEach((section, index) => take(section, answers[index]));
  prune();
  state.loaded = true;
  tell("view");
  tell("tasks");
  return Math.min(...answers.map(({ rev }) => rev));
}

export function change(next) {
  Object.assign(view, next);
  tell("view-asked");
  return loadView();
}

function ask(section) {
  const limit = String(Math.min(PAGE, section.few));
  return call(`api/v1/tasks?${query(section.statuses, { sort: section.sort, limit, cursor: section.next })}`);
}

function take(section, answer) {
  section.next = answer.next;
  const known = new Set(section.ids);
  // first in the section, so that they find their place in it
  for (const task of answer.tasks) {
    if (known.has(task.id)) continue;
    section.ids.push(task.id);
  }
  for (const task of answer.tasks) if (!put(task)) section.ids = section.ids.filter((id) => id !== task.id);
  sort(section);
}

// The next page of a section, if there is one.
export async function loadMore(section) {
  if (section.next === null || section.loading || section.ids.length >= section.few) return;
  const mine = round;
  section.loading = ask(section);
  try {
    const answer = await section.loading;
    if (mine === round) take(section, answer);
  } finally {
    section.loading = null;
  }
  if (mine === round) tell("tasks");
}

// How many there are of each kind that match, and how many of mine are under way.
async function loadCounts() {
  countedAt = Date.now();
  const asked = round;
  const [matching, mine] = await Promise.all([
    call(`api/v1/tasks?${query(null, { limit: "0" })}`),
    call("api/v1/tasks?limit=0&mine=true"),
  ]);
  state.mine = mine.counts;
  if (asked === round) state.counts = matching.counts;
  tell("counts");
  return matching;
}

// Quietly, after something has changed, and not all the time.
export function countSoon() {
  counting ??= setTimeout(() => {
    counting = null;
    loadCounts().catch(() => {}); // the bar tells when the server cannot be reached
  }, Math.max(0, countedAt + COUNT_AT_MOST_EVERY - Date.now()));
}

export function countOf(kind, counts = state.counts) {
  const names = kind === "all" ? Object.keys(counts) : KINDS[kind];
  return names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

// ---- keeping it right

const put = (task) => {
  const known = state.tasks.get(task.id);
  if (known && known.rev > task.rev) return true;
  if (isForeign(task) && !isActive(task)) return false; // others' documents are shown while they stand in the queue
  task.seen = Date.now();
  state.tasks.set(task.id, task);
  tell("task", { task, before: known });
  return true;
};

function sort(section) {
  section.ids.sort((a, b) => section.compare(state.tasks.get(a), state.tasks.get(b)));
}

function matches(section, task) {
  if (section.statuses.size && !section.statuses.has(task.status)) return false;
  if (task.redo_of || (view.mine && !task.mine)) return false;
  const words = folded(view.words).split(/\s+/).filter(Boolean);
  return !words.length || (!isForeign(task) && words.every((word) => label(task).includes(word)));
}

// Whether a task belongs among the rows that are loaded.
function fits(section, task) {
  if (!matches(section, task)) return false;
  if (section.next === null || section.ids.includes(task.id)) return true;
  const last = state.tasks.get(section.ids.at(-1));
  return Boolean(last) && section.compare(task, last) < 0;
}

export const isWanted = (task) =>
  state.tasks.has(task.id) || task.redo_of || task.id === state.selected || sections.some((each) => fits(each, task));

function settle({ task }) {
  if (!state.tasks.has(task.id)) return; // told, not kept
  for (const section of sections) {
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
  for (const section of sections) {
    if (section.stale || section.name === "waiting") sort(section);
    section.stale = false;
    if (section.ids.length > section.few) {
      section.ids.length = section.few;
      section.next ??= "";
    }
    if (section.next !== null && section.ids.length < Math.min(section.few, 10)) {
      section.next = ""; // from the beginning: places have moved
      loadMore(section).catch(() => {});
    }
  }
}

function remove(id) {
  for (const section of sections) {
    const at = section.ids.indexOf(id);
    if (at >= 0) section.ids.splice(at, 1);
  }
}

// Forgets what no row shows and nobody reads.
function prune() {
  const shown = new Set(sections.flatMap(({ ids }) => ids));
  for (const [id, task] of state.tasks) {
    if (!shown.has(id) && id !== state.selected && !task.redo_of) state.tasks.delete(id);
  }
}

on("task", settle);
on("gone", remove);
