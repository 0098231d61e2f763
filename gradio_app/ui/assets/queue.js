// The list of documents: uploads, what runs, what waits, what has ended. Rows are made once and updated in place.

import { el, preparePane, setText, show } from "./dom.js";
import { isActive, isForeign, on, state } from "./hub.js";
import { explain, t, translate } from "./language.js";
import { notify, say } from "./notice.js";
import { loadOlder } from "./poll.js";
import { makeRow } from "./row.js";
import { makeUploadRow } from "./upload_row.js";

const GROUPS = ["uploads", "active", "waiting", "ended"];

const rows = new Map(); // id -> row
const groups = new Map(); // name -> { section, list, count }
let part = {};
let drawing = false;

export function start(element) {
  preparePane(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  for (const name of GROUPS) part.groups.append(makeGroup(name));
  part.search.oninput = draw;
  part.whose.onchange = draw;
  part.older.onclick = showOlder;
  for (const topic of ["tasks", "uploads", "selected", "queue"]) on(topic, draw);
  on("task", announce);
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
  const list = el("ul", { class: "mo-rows", "aria-labelledby": `mo-group-${name}` });
  const section = el("section", { class: "mo-group", hidden: true }, title, list);
  groups.set(name, { section, list, count });
  return section;
}

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
  const tasks = [...state.tasks.values()];
  const others = tasks.some((task) => !task.mine);
  show(part.whose, others);
  const wanted = part.search.value.trim().toLowerCase();
  const onlyMine = others && part.whose.value === "mine";
  const visible = tasks.filter(
    (task) => (!onlyMine || task.mine) && (!wanted || task.name.toLowerCase().includes(wanted)),
  );
  const kept = new Set();
  place("uploads", [...state.uploads.values()], kept, makeUploadRow);
  place("active", visible.filter(runs).sort(byStart), kept, makeRow);
  place("waiting", visible.filter(waits).sort(byPlace), kept, makeRow);
  place("ended", visible.filter((task) => !isActive(task)).sort(byEnd), kept, makeRow);
  for (const [id, row] of rows) {
    if (kept.has(id)) continue;
    row.node.remove();
    rows.delete(id);
  }
  const nothing = !tasks.length && !state.uploads.size;
  // with nothing to list or read, the page is one large place to drop something
  document.body.classList.toggle("mo-empty", state.loaded && nothing && !state.selected);
  show(part.find, tasks.length > 0);
  show(part.loading, !state.loaded && nothing);
  show(part.empty, state.loaded && nothing);
  show(part.nomatch, !nothing && !kept.size);
  show(part.older, Boolean(state.older) && !wanted);
  setText(part.count, tasks.length ? String(tasks.length) + (state.older ? "+" : "") : "");
}

const runs = (task) => task.status === "processing" || task.status === "cancelling";
const waits = (task) => isActive(task) && !runs(task);
const byStart = (a, b) => (a.started_at ?? 0) - (b.started_at ?? 0);
const byPlace = (a, b) => (a.position ?? 1e9) - (b.position ?? 1e9) || a.created_at - b.created_at;
const byEnd = (a, b) => (b.finished_at ?? b.created_at) - (a.finished_at ?? a.created_at);

// Puts the rows of a group in order; a row that is where it belongs is not touched.
function place(name, items, kept, make) {
  const { section, list, count } = groups.get(name);
  let next = list.firstElementChild;
  for (const item of items) {
    kept.add(item.id);
    let row = rows.get(item.id);
    if (!row) rows.set(item.id, (row = make(item)));
    row.update();
    if (row.node === next) {
      next = next.nextElementSibling;
    } else {
      keepingFocus(row.node, () => list.insertBefore(row.node, next));
    }
  }
  setText(count, items.length ? String(items.length) : "");
  show(section, items.length > 0);
}

// Moving a node takes the focus from what is inside it.
function keepingFocus(node, move) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  move();
  focused?.focus({ preventScroll: true });
}

async function showOlder() {
  part.older.disabled = true;
  try {
    await loadOlder();
  } catch (error) {
    notify(explain(error), "bad");
  }
  part.older.disabled = false;
}

const SAID = { completed: "say.done", partial: "say.done", failed: "say.failed", cancelled: "say.cancelled" };

function announce({ task, before }) {
  const key = SAID[task.status];
  if (before && before.status !== task.status && key && !isForeign(task)) say(t(key, task.name));
}
