// List of documents: uploads, what runs, what waits, what has ended; or what was searched for, in one list.

import { all, eachFrame, el, setText, show } from "../common/dom.js";
import { startFrame } from "../common/frame.js";
import { isForeign, on, state } from "../common/hub.js";
import { t, translate } from "../common/language.js";
import { attempt, say } from "../common/notice.js";
import { setList } from "../common/panes.js";
import { makeUploadRow } from "../intake/upload_row.js";
import { makeList } from "./list.js";
import { startPicks } from "./pick.js";
import { makeRow } from "./row.js";
import { pane } from "./state.js";
import { change, countOf, countSoon, loadMore, tidy } from "./view.js";
import { focusRow, keepStop, startWalk } from "./walk.js";

const { part, rows, groups, view } = pane;

const GROUPS = ["uploads", "active", "waiting", "ended", "found"];
const TYPING_PAUSE = 220;
const SPOKEN = /** @type {Partial<Record<Status, string>>} */ ({
  completed: "say.done",
  partial: "say.done",
  failed: "say.failed",
  cancelled: "say.cancelled",
});

const draw = eachFrame(drawNow);

export function start(/** @type {HTMLElement} */ element) {
  startFrame(element, part, () => {
    rows.forEach((row) => row.update(true));
    draw();
  });
  for (const name of GROUPS) part.groups.append(makeGroup(name));
  for (const button of all(part.kinds, "button")) {
    const kind = kindOf(button);
    button.onclick = () => ask({ kind: view.kind === kind ? "all" : kind });
  }
  part.search.oninput = () => {
    clearTimeout(pane.typing);
    pane.typing = setTimeout(() => ask({ words: part.search.value }), TYPING_PAUSE);
  };
  part.whose.onchange = () => ask({ mine: part.whose.value === "mine" });
  part.sort.onchange = () => ask({ sort: part.sort.value });
  part.clear.onclick = () => {
    part.search.value = "";
    ask({ words: "", kind: "all", mine: false });
    part.search.focus();
  };
  part.fold.onclick = () => setList(false);
  startPicks();
  startWalk();
  watchEnd();
  for (const topic of /** @type {(keyof Topics)[]} */ (["tasks", "uploads", "selected", "queue", "counts", "view", "picks"])) {
    on(topic, draw);
  }
  on("tasks", countSoon);
  on("skip", () => focusRow(pane.stop));
  on("task", announce);
  on("reveal", (id) => groups.forEach(({ list }) => list.reveal(id)));
  on("tick", () => rows.forEach((row) => row.isActive && row.update()));
  document.body.classList.add("mo-alive");
  translate(element);
  draw();
}

function makeGroup(/** @type {string} */ name) {
  const count = el("span", { class: "mo-count" });
  const title = el("h3", { id: `mo-group-${name}` }, el("span", { "data-t": `queue.${name}` }), " ", count);
  const list = makeList(part.body, { label: `mo-group-${name}`, rowOf, forget: (id) => rows.delete(id) });
  const onclick = () => ask({ kind: "waiting" });
  const more = el("button", { type: "button", class: "mo-button mo-more", hidden: true, onclick });
  const section = el("section", { class: `mo-group mo-group-${name}`, hidden: true }, title, list.node, more);
  groups.set(name, { section, list, count, more });
  return section;
}

function rowOf(/** @type {string} */ id) {
  const upload = state.uploads.get(id);
  const row = rows.get(id) ?? (state.tasks.has(id) ? makeRow(part.row, id) : upload ? makeUploadRow(upload) : null);
  if (row) rows.set(id, row);
  return row;
}

// ---- asking

async function ask(/** @type {Partial<View>} */ next) {
  clearTimeout(pane.typing);
  pane.asked = true;
  if (next.words === undefined) next.words = part.search.value;
  await attempt(async () => {
    await change(next);
    part.body.scrollTop = 0;
  });
  draw();
}

// More rows come before the end of what is there is reached.
function watchEnd() {
  const more = async () => {
    const last = pane.sections.at(-1);
    if (!last || last.next === null || !(await attempt(() => loadMore(last)))) return;
    // the observer reports again if the end is still near
    requestAnimationFrame(() => {
      observer.unobserve(part.sentinel);
      observer.observe(part.sentinel);
    });
  };
  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), {
    root: part.body,
    rootMargin: "1200px 0px",
  });
  observer.observe(part.sentinel);
}

// ---- drawing

function drawNow() {
  tidy();
  part.body.classList.toggle("mo-picking", pane.picks.size > 0);
  const filtered = Boolean(view.words.trim()) || view.kind !== "all" || view.mine;
  const known = new Map(pane.sections.map((section) => [section.name, section]));
  const uploads = [...state.uploads.keys()];
  for (const [name, group] of groups) {
    const section = known.get(name);
    const ids = name === "uploads" ? uploads : (section?.ids ?? []);
    show(group.section, ids.length > 0); // first: in what is hidden nothing can have the focus
    group.list.draw(ids);
    const total = section ? totalOf(section) : ids.length;
    setText(group.count, ids.length ? number(Math.max(total, ids.length)) : "");
    const hidden = section && section.few !== Infinity ? total - ids.length : 0;
    show(group.more, hidden > 0);
    if (hidden > 0) setText(group.more, t("queue.more", number(total)));
  }
  for (const { list } of groups.values()) list.sweep();
  keepStop();
  const total = countOf("all");
  const nothing = !total && !state.tasks.size && !uploads.length && !filtered;
  // with nothing to list or read, the page is one large place to drop something
  document.body.classList.toggle("mo-empty", state.loaded && nothing && !state.selected);
  show(part.tools, !nothing);
  show(part.sort, !nothing);
  show(part.loading, !state.loaded && nothing);
  show(part.empty, state.loaded && nothing);
  const found = pane.sections.some(({ ids }) => ids.length);
  show(part.nomatch, state.loaded && filtered && !found);
  show(part.partial, pane.partial && Boolean(view.words.trim()));
  drawTools();
  if (pane.asked && state.loaded) {
    pane.asked = false;
    say(t("queue.results", number(countOf(view.kind))));
  }
}

const number = (/** @type {number} */ n) => n.toLocaleString(document.documentElement.lang);

const totalOf = (/** @type {Section} */ { statuses }) =>
  Object.entries(state.counts).reduce((sum, [status, n]) => sum + (!statuses.size || statuses.has(status) ? n : 0), 0);

const kindOf = (/** @type {HTMLElement} */ button) => /** @type {Kind} */ (button.dataset.kind);

function drawTools() {
  for (const button of all(part.kinds, "button")) {
    const kind = kindOf(button);
    const n = countOf(kind);
    setText(/** @type {Node} */ (button.lastElementChild), number(n));
    button.setAttribute("aria-pressed", String(view.kind === kind));
    show(button, kind === "all" || n > 0 || view.kind === kind);
  }
  const everybody = countOf("all", state.queue?.counts ?? {});
  show(part.whose, view.mine || (everybody > countOf("all", state.mine) && state.queue?.user?.name !== "local"));
  part.whose.value = view.mine ? "mine" : "all";
  part.sort.value = view.sort;
}

function announce(/** @type {TaskChange} */ { task, before }) {
  const key = SPOKEN[task.status];
  if (before && before.status !== task.status && key && !isForeign(task) && !task.redo_of) say(t(key, task.name));
}
