// The list of documents: uploads, what runs, what waits, what has ended; or what was searched for, in one list.

import { el, preparePane, setText, show } from "../common/dom.js";
import { isForeign, on, state } from "../common/hub.js";
import { explain, t, translate } from "../common/language.js";
import { notify, say } from "../common/notice.js";
import { hasPicks, startPicks } from "./pick.js";
import { change, countOf, countSoon, KINDS, loadMore, sections, tidy, view } from "./view.js";
import { makeList } from "./list.js";
import { makeRow } from "./row.js";
import { makeUploadRow } from "../intake/upload_row.js";

const GROUPS = ["uploads", "active", "waiting", "ended", "found"];
const TYPING_PAUSE = 220;

const rows = new Map(); // id -> row
const groups = new Map(); // name -> { section, list, count, more }
let part = {};
let drawing = false;
let typing = null;
let asked = false; // for something: say what came
let sentinel = null;

export function start(element) {
  preparePane(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  for (const name of GROUPS) part.groups.append(makeGroup(name));
  part.kinds.append(...["all", ...Object.keys(KINDS)].map(makeKind));
  part.search.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => ask({ words: part.search.value }), TYPING_PAUSE);
  };
  part.whose.onchange = () => ask({ mine: part.whose.value === "mine" });
  part.sort.onchange = () => ask({ sort: part.sort.value });
  part.clear.onclick = () => {
    part.search.value = "";
    ask({ words: "", kind: "all", mine: false });
    part.search.focus();
  };
  startPicks(part.picks, part.body, shownIds);
  watchEnd();
  for (const topic of ["tasks", "uploads", "selected", "queue", "counts", "view", "picks"]) on(topic, draw);
  on("tasks", countSoon);
  on("task", announce);
  on("reveal", (id) => groups.forEach(({ list }) => list.reveal(id)));
  document.body.classList.add("mo-alive");
  on("tick", () => rows.forEach((row) => row.isActive && row.update()));
  on("language", () => {
    translate(element);
    rows.forEach((row) => row.update(true));
    draw();
  });
  translate(element);
  draw();
}

function makeGroup(name) {
  const count = el("span", { class: "mo-count" });
  const title = el("h3", { id: `mo-group-${name}` }, el("span", { "data-t": `queue.${name}` }), " ", count);
  const list = makeList(part.body, { label: `mo-group-${name}`, rowOf, forget: (id) => rows.delete(id) });
  const more = el("button", { type: "button", class: "mo-button mo-more", hidden: true, onclick: () => ask({ kind: "waiting" }) });
  const section = el("section", { class: `mo-group mo-group-${name}`, hidden: true }, title, list.node, more);
  groups.set(name, { section, list, count, more });
  return section;
}

function makeKind(kind) {
  const button = el(
    "button",
    { type: "button", class: "mo-kind", "data-kind": kind },
    el("span", { "data-t": `queue.kind.${kind}` }),
    el("span", { class: "mo-count" }),
  );
  button.onclick = () => ask({ kind: view.kind === kind ? "all" : kind });
  return button;
}

function rowOf(id) {
  let row = rows.get(id);
  if (row) return row;
  if (state.tasks.has(id)) row = makeRow({ id });
  else if (state.uploads.has(id)) row = makeUploadRow(state.uploads.get(id));
  if (row) rows.set(id, row);
  return row ?? null;
}

// ---- asking

async function ask(next) {
  clearTimeout(typing);
  asked = true;
  if (next.words === undefined) next.words = part.search.value;
  try {
    await change(next);
    part.body.scrollTop = 0;
  } catch (error) {
    notify(explain(error), "bad");
  }
  draw();
}

// More rows come before the end of what is there is reached.
function watchEnd() {
  sentinel = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), {
    root: part.body,
    rootMargin: "1200px 0px",
  });
  sentinel.observe(part.sentinel);
}

async function more() {
  const last = sections.at(-1);
  if (!last || last.next === null) return;
  try {
    await loadMore(last);
  } catch (error) {
    notify(explain(error), "bad");
    return;
  }
  // tells again if the end is still near
  requestAnimationFrame(() => {
    sentinel.unobserve(part.sentinel);
    sentinel.observe(part.sentinel);
  });
}

// ---- drawing

// One drawing a frame, however many changes came.
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawNow();
  });
}

function drawNow() {
  tidy();
  part.body.classList.toggle("mo-picking", hasPicks());
  const filtered = isFiltered();
  const known = new Map(sections.map((section) => [section.name, section]));
  const uploads = [...state.uploads.keys()];
  for (const [name, group] of groups) {
    const section = known.get(name);
    const ids = name === "uploads" ? uploads : (section?.ids ?? []);
    show(group.section, ids.length > 0); // first: in what is hidden nothing can have the focus
    group.list.draw(ids);
    const total = name === "uploads" ? ids.length : section ? totalOf(section) : 0;
    setText(group.count, ids.length ? number(Math.max(total, ids.length)) : "");
    const hidden = section && section.few !== Infinity ? total - ids.length : 0;
    show(group.more, hidden > 0);
    if (hidden > 0) setText(group.more, t("queue.more", number(total)));
  }
  for (const { list } of groups.values()) list.sweep();
  const total = countOf("all");
  const nothing = !total && !state.tasks.size && !uploads.length && !filtered;
  // with nothing to list or read, the page is one large place to drop something
  document.body.classList.toggle("mo-empty", state.loaded && nothing && !state.selected);
  show(part.tools, !nothing);
  show(part.sort, !nothing);
  show(part.loading, !state.loaded && nothing);
  show(part.empty, state.loaded && nothing);
  const found = sections.some(({ ids }) => ids.length);
  show(part.nomatch, state.loaded && filtered && !found);
  drawTools(total);
  if (asked && state.loaded) {
    asked = false;
    say(t("queue.results", number(countOf(view.kind))));
  }
}

const isFiltered = () => Boolean(view.words.trim()) || view.kind !== "all" || view.mine;
const number = (n) => n.toLocaleString(document.documentElement.lang);
const totalOf = ({ statuses }) =>
  Object.entries(state.counts).reduce((sum, [status, n]) => sum + (!statuses.size || statuses.has(status) ? n : 0), 0);

function drawTools(total) {
  setText(part.count, total ? number(countOf(view.kind)) : "");
  for (const button of part.kinds.children) {
    const { kind } = button.dataset;
    const n = countOf(kind);
    setText(button.lastElementChild, number(n));
    button.setAttribute("aria-pressed", String(view.kind === kind));
    show(button, kind === "all" || n > 0 || view.kind === kind);
  }
  const everybody = Object.values(state.queue?.counts ?? {}).reduce((sum, n) => sum + n, 0);
  const mine = Object.values(state.mine).reduce((sum, n) => sum + n, 0);
  show(part.whose, view.mine || (everybody > mine && state.queue?.user?.name !== "local"));
  part.whose.value = view.mine ? "mine" : "all";
  part.sort.value = view.sort;
}

const shownIds = () => sections.flatMap(({ ids }) => ids);

const SAID = { completed: "say.done", partial: "say.done", failed: "say.failed", cancelled: "say.cancelled" };

function announce({ task, before }) {
  const key = SAID[task.status];
  if (before && before.status !== task.status && key && !isForeign(task) && !task.redo_of) say(t(key, task.name));
}
