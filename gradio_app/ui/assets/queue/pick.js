// Many documents at once: picking them, and what can be done with those that are picked.

import { el, icon, setText, show } from "../common/dom.js";
import { isForeign, on, READABLE, RETRYABLE, state, tell } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { ask } from "../common/menu.js";
import { notify, say } from "../common/notice.js";
import { pollNow } from "../common/poll.js";
import { countOf, kindQuery, view } from "./view.js";
import { address, call, post } from "../common/server.js";

const AT_ONCE = 500; // tasks in one request: the bar tells how far it is
const ACTIVE = new Set(["pending", "queued", "processing"]);
const ACTIONS = [
  { name: "cancel", icon: "close", fits: (status) => ACTIVE.has(status) },
  { name: "retry", icon: "retry", fits: (status) => RETRYABLE.has(status) },
  { name: "download", icon: "download", fits: (status) => READABLE.has(status) },
  { name: "delete", icon: "trash", fits: () => true },
];

const picks = new Map(); // id -> status, as far as it is known
let bar = null;
let part = {};
let order = () => [];
let anchor = null; // where a run begins that is ended with shift
let busy = null; // what is being done, in words

export const isPicked = (id) => picks.has(id);
export const hasPicks = () => picks.size > 0;

export function startPicks(node, body, shownIds) {
  bar = node;
  order = shownIds;
  build();
  on("task", ({ task }) => picks.has(task.id) && (picks.set(task.id, task.status), drawBar()));
  on("gone", (id) => picks.delete(id) && changed());
  on("language", drawBar);
  on("view-asked", clearPicks);
  on("counts", drawBar);
  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest?.(".mo-menu, dialog, input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && !event.defaultPrevented && !inside && picks.size) clearPicks();
  });
}

// A row was ticked, or with shift all from the last one that was.
export function pick(id, wanted, shift) {
  const ids = order();
  const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)];
  const run = shift && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const each of run) set(each, wanted);
  anchor = id;
  changed();
}

function set(id, wanted) {
  const task = state.tasks.get(id);
  if (!task || isForeign(task)) return;
  if (wanted) picks.set(id, task.status);
  else picks.delete(id);
}

export function clearPicks() {
  if (!picks.size) return;
  if (bar.contains(document.activeElement)) document.querySelector("#mo-queue .mo-queue-body").focus();
  picks.clear();
  anchor = null;
  changed();
}

function changed() {
  drawBar();
  tell("picks");
}

// ---- the bar

function build() {
  part.text = el("span", { class: "mo-picks-text", role: "status" });
  part.all = el("button", { type: "button", class: "mo-link", onclick: pickAll });
  part.clear = el("button", { type: "button", class: "mo-tool", onclick: clearPicks }, icon("close"));
  const tools = ACTIONS.map((action) => {
    const words = el("span", { class: "mo-picks-words" });
    const count = el("span", { class: "mo-count" });
    const button = el("button", { type: "button", class: "mo-button" }, icon(action.icon), words, count);
    button.onclick = () => start(action, button);
    part[action.name] = { button, words, count };
    return button;
  });
  bar.append(
    el("div", { class: "mo-picks-head" }, part.text, part.all, el("span", { class: "mo-gap" }), part.clear),
    el("div", { class: "mo-picks-tools" }, ...tools),
  );
}

const applies = ({ fits }) => [...picks].filter(([, status]) => fits(status)).map(([id]) => id);

function drawBar() {
  show(bar, picks.size > 0 || Boolean(busy));
  if (bar.hidden) return;
  setText(part.text, busy ?? t("pick.count", picks.size));
  const total = countOf(view.kind);
  show(part.all, !busy && picks.size < total);
  setText(part.all, t("pick.all", total));
  part.clear.setAttribute("aria-label", t("pick.clear"));
  part.clear.title = t("pick.clear");
  for (const action of ACTIONS) {
    const { button, words, count } = part[action.name];
    const n = applies(action).length;
    setText(words, t(`row.${action.name}`));
    setText(count, n ? n.toLocaleString(document.documentElement.lang) : "");
    button.disabled = !n || Boolean(busy);
    button.setAttribute("aria-label", t("pick.do", t(`row.${action.name}`), n));
    button.title = t(`row.${action.name}`);
  }
}

// All that match on the server, not only those that were loaded.
async function pickAll() {
  try {
    const { ids, more } = await call(`api/v1/tasks/ids?${kindQuery()}`);
    for (const [status, some] of Object.entries(ids)) for (const id of some) picks.set(id, status);
    if (more) notify(t("pick.more", picks.size));
    changed();
  } catch (error) {
    notify(explain(error), "bad");
  }
}

// ---- doing things

function start(action, button) {
  const ids = applies(action);
  if (action.name === "download") return save(ids);
  if (action.name !== "delete") return run(action, ids);
  const running = ids.filter((id) => ACTIVE.has(picks.get(id))).length;
  const words = [t("pick.delete.ask", ids.length), running ? t("pick.delete.running", running) : ""].filter(Boolean).join(" ");
  ask(button, words, t("row.delete"), () => run(action, ids));
}

async function run({ name }, ids) {
  let done = 0;
  const failed = [];
  try {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      busy = t(`pick.doing.${name}`, from, ids.length);
      drawBar();
      const answer = await post("api/v1/tasks/bulk", { action: name, ids: ids.slice(from, from + AT_ONCE) });
      done += answer.done;
      failed.push(...answer.failed);
      for (const id of answer.ids) picks.delete(id);
      pollNow();
    }
    const text = t(`pick.done.${name}`, done);
    if (failed.length) notify(`${text} ${t("pick.failed", failed.length, explain(failed[0].error))}`, "bad");
    else notify(text);
    say(text);
  } catch (error) {
    notify(explain(error), "bad");
  }
  busy = null;
  changed();
  pollNow();
}

// A form, so that the browser writes the archive to the disk as it comes.
function save(ids) {
  const frame = document.querySelector("iframe[name=mo-save]") ?? el("iframe", { name: "mo-save", hidden: true, title: "" });
  const field = el("input", { type: "hidden", name: "ids", value: ids.join(",") });
  const form = el("form", { method: "post", target: "mo-save", action: address("api/v1/tasks/download"), hidden: true }, field);
  document.body.append(frame, form);
  form.submit();
  form.remove();
  notify(t("pick.saving", ids.length));
}
