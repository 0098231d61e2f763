// One document in the list: its name, state, progress, error, and what can be done with it.

import { askDelete, openDownloads } from "../common/menu.js";
import { el, icon, setIcon, setLabel, setText, show } from "../common/dom.js";
import { clock, duration, estimate, join, moment } from "../common/format.js";
import { isActive, isForeign, now, putTask, READABLE, RETRYABLE, state, tell } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { notify } from "../common/notice.js";
import { addressOf, select } from "../common/location.js";
import { pollNow } from "../common/poll.js";
import { isPicked, pick } from "./pick.js";
import { call, post } from "../common/server.js";

export function makeRow({ id }) {
  const parts = build(id);
  const task = () => state.tasks.get(id);
  parts.name.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab, as for any link
    event.preventDefault();
    select(id);
  };
  parts.tick.onclick = (event) => pick(id, parts.tick.checked, event.shiftKey);
  parts.cancel.onclick = () => act(parts.cancel, id, "cancel");
  parts.retry.onclick = () => act(parts.retry, id, "retry");
  parts.download.onclick = () => openDownloads(parts.download, task());
  parts.remove.onclick = () => askDelete(parts.remove, task()?.name ?? "", () => remove(id));
  let drawn = null;
  return {
    node: parts.node,
    get isActive() {
      return Boolean(task() && isActive(task()));
    },
    update(force = false) {
      const shown = task();
      if (!shown) return;
      // what has ended changes only with its revision, or with the day
      const key = isActive(shown) ? null : `${shown.rev} ${Math.floor(now() / 60)}`;
      parts.node.classList.toggle("mo-selected", state.selected === id);
      parts.node.classList.toggle("mo-picked", isPicked(id));
      if (parts.tick.checked !== isPicked(id)) parts.tick.checked = isPicked(id);
      if (state.selected === id) parts.name.setAttribute("aria-current", "true");
      else parts.name.removeAttribute("aria-current");
      if (!force && key && key === drawn) return;
      drawn = key;
      draw(parts, shown);
    },
  };
}

function tool(name) {
  return el("button", { type: "button", class: "mo-tool" }, icon(name));
}

function build(id) {
  const parts = {
    icon: el("span", { class: "mo-row-icon" }),
    tick: el("input", { type: "checkbox", class: "mo-tick" }),
    folder: el("span", { class: "mo-row-folder" }),
    base: el("span", { class: "mo-row-base" }),
    name: el("a", { class: "mo-row-name", href: addressOf(id) }),
    owner: el("span", { class: "mo-row-owner", hidden: true }),
    tier: el("span", { class: "mo-chip" }),
    state: el("strong", { class: "mo-row-state" }),
    detail: el("span", { class: "mo-row-detail" }),
    when: el("span", { class: "mo-row-when" }),
    time: el("p", { class: "mo-row-time" }),
    bar: el("div", { class: "mo-progress", role: "progressbar", "aria-valuemin": "0", hidden: true }, el("i")),
    error: el("p", { class: "mo-row-error", hidden: true }),
    cancel: tool("close"),
    retry: tool("retry"),
    download: tool("download"),
    remove: tool("trash"),
  };
  parts.name.append(parts.folder, parts.base);
  parts.download.setAttribute("aria-haspopup", "menu");
  parts.remove.setAttribute("aria-haspopup", "dialog");
  const main = el(
    "div",
    { class: "mo-row-main" },
    el("div", { class: "mo-row-head" }, parts.name, parts.tier),
    el("div", { class: "mo-row-line" }, parts.state, parts.detail, parts.owner, parts.when),
    parts.bar,
    parts.time,
  );
  const actions = el("div", { class: "mo-row-actions" }, parts.cancel, parts.retry, parts.download, parts.remove);
  const lead = el("span", { class: "mo-row-lead" }, parts.icon, parts.tick);
  parts.node = el(
    "div",
    { class: "mo-row", role: "listitem", "data-task": id, "data-id": id },
    lead,
    main,
    actions,
    parts.error,
  );
  return parts;
}

function draw(parts, task) {
  const foreign = isForeign(task);
  const name = foreign ? t("row.others") : task.name;
  parts.node.dataset.status = task.status;
  parts.node.classList.toggle("mo-foreign", foreign);
  setIcon(parts.icon, task.status);
  setText(parts.folder, task.folder ? `${task.folder}/` : "");
  setText(parts.base, name);
  parts.name.title = foreign ? "" : `${parts.folder.textContent}${name}`;
  show(parts.tick, !foreign);
  setLabel(parts.tick, t("pick.row", name));
  if (foreign) parts.name.removeAttribute("href");
  show(parts.owner, !foreign && !task.mine);
  setText(parts.owner, t("row.owner", task.owner));
  setText(parts.tier, task.tier);
  show(parts.tier, task.tier !== "auto" && !foreign);
  setText(parts.state, t(`status.${task.status}`));
  setText(parts.detail, detail(task));
  const ended = !isActive(task) && task.finished_at;
  setText(parts.when, ended ? moment(task.finished_at) : ready(task));
  parts.when.title = ended && READABLE.has(task.status) ? cost(task) : "";
  setText(parts.time, running(task));
  drawProgress(parts.bar, task);
  drawError(parts.error, task);
  drawActions(parts, task, name, foreign);
}

function detail(task) {
  const { status, pages_done: done, pages_total: total, pages_failed: failed } = task;
  if (status === "queued" && state.queue?.status === "paused") return t("row.paused");
  if (status === "pending" || status === "queued") return task.position ? t("row.place", task.position) : "";
  if (status === "processing" || status === "cancelling") return total ? t("row.done", done, total) : "";
  if (status === "completed") return t("row.pages", total || 1);
  if (status === "partial") return t("row.failedpages", failed, total);
  if (status === "cancelled" && done) return t("row.kept", done, total);
  return "";
}

// The estimate counts down by itself between two answers of the server.
function left(task) {
  if (task.eta_seconds === null) return "";
  const seconds = task.eta_seconds - (Date.now() - task.seen) / 1000;
  return seconds > 0 ? estimate(seconds) : "";
}

function ready(task) {
  const told = task.status === "queued" && state.queue?.status !== "paused" && left(task);
  return join(waited(task), told && t("row.ready", told));
}

// For how long it waits, once that is worth a word.
function waited(task) {
  const seconds = now() - task.created_at;
  if (!isActive(task) || task.status === "processing" || seconds < 60) return "";
  return t("row.waited", seconds < 3600 ? t("time.minutes", Math.floor(seconds / 60), 0) : t("time.hours", Math.floor(seconds / 3600), 0));
}

// For how long it runs, and how much longer.
function running(task) {
  if (task.status !== "processing") return "";
  const told = left(task);
  return join(clock(now() - (task.started_at ?? now())), speed(task), told && t("row.left", told));
}

// How fast it is read. After a retry it is not known: pages from before count as done.
function speed(task) {
  const seconds = now() - (task.started_at ?? now());
  if (task.attempt > 1 || !task.pages_done || seconds < 2) return "";
  const rate = task.pages_done / seconds;
  return rate >= 1 ? t("row.speed", rate.toFixed(rate < 10 ? 1 : 0)) : t("row.speed.slow", (rate * 60).toFixed(rate * 60 < 10 ? 1 : 0));
}

// What an ended document took.
export function cost(task) {
  return task.receipt?.cached ? t("row.cached") : t("row.took", duration(task.finished_at - task.started_at));
}

function drawProgress(bar, task) {
  const running = task.status === "processing" || task.status === "cancelling";
  show(bar, running);
  if (!running) return;
  const known = task.pages_total > 0 && task.pages_done > 0;
  bar.classList.toggle("mo-unknown", !known);
  bar.setAttribute("aria-label", t("row.progress"));
  bar.setAttribute("aria-valuemax", String(task.pages_total || 1));
  bar.setAttribute("aria-valuenow", String(task.pages_done));
  bar.firstElementChild.style.width = known ? `${(100 * task.pages_done) / task.pages_total}%` : "";
}

function drawError(node, task) {
  const text = task.error && !isActive(task) ? trouble(task) : "";
  show(node, Boolean(text));
  setText(node, text);
}

// What went wrong; of a document that was read in part also where, and what trying again would do.
export function trouble(task) {
  const pages = task.status === "partial" ? task.receipt?.failed_pages : "";
  return pages ? t("row.partly", explain(task.error), pages) : explain(task.error);
}

function drawActions(parts, task, name, foreign) {
  const active = isActive(task);
  show(parts.cancel, active && !foreign);
  parts.cancel.disabled = task.status === "cancelling";
  show(parts.retry, RETRYABLE.has(task.status) && !foreign);
  show(parts.download, READABLE.has(task.status) && !foreign);
  show(parts.remove, !active && !foreign);
  for (const [part, key] of [["cancel", "cancel"], ["retry", "retry"], ["download", "download"], ["remove", "delete"]]) {
    setLabel(parts[part], t("row.of", t(`row.${key}`), name));
  }
}

// ---- doing things

async function act(button, id, action) {
  button.disabled = true;
  try {
    putTask(await post(`api/v1/tasks/${id}/${action}`));
    tell("tasks");
  } catch (error) {
    notify(explain(error), "bad");
  }
  button.disabled = false;
  pollNow();
}

export const retry = (button, id) => act(button, id, "retry");

async function remove(id) {
  const name = state.tasks.get(id)?.name ?? "";
  try {
    await call(`api/v1/tasks/${id}`, { method: "DELETE" });
    notify(t("say.deleted", name));
  } catch (error) {
    notify(explain(error), "bad");
  }
  pollNow();
}
