// Row of a document: its name, state, progress, error, and what can be done with it.

import { copyOf, setCurrent, setIcon, setLabel, setText, show } from "../common/dom.js";
import { clock, duration, estimate, join, moment } from "../common/format.js";
import { emit, isActive, isForeign, now, putTask, READABLE, state, worthRetry } from "../common/hub.js";
import { explain, noteSummary, t } from "../common/language.js";
import { addressOf, select } from "../common/location.js";
import { askDelete, openDownloads } from "../common/menu.js";
import { attempt, notify } from "../common/notice.js";
import { pollNow } from "../common/poll.js";
import { call, codeOf, post, taskPath } from "../common/server.js";
import { hitRows } from "./hits.js";
import { pick } from "./pick.js";
import { pane } from "./state.js";

/** @param {HTMLTemplateElement} template @param {string} id @returns {Row} */
export function makeRow(template, id) {
  const parts = /** @type {RowParts} */ (copyOf(template));
  Object.assign(parts.node.dataset, { task: id, id });
  parts.name.href = addressOf(id);
  const task = () => state.tasks.get(id);
  parts.name.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab, as for any link
    event.preventDefault();
    select(id);
  };
  parts.tick.onclick = (event) => pick(id, parts.tick.checked, event.shiftKey);
  parts.cancel.onclick = () => act(parts.cancel, id, "cancel");
  parts.retry.onclick = () => retry(parts.retry, id);
  parts.download.onclick = () => openDownloads(parts.download, task());
  parts.remove.onclick = () => askDelete(parts.remove, task()?.name ?? "", () => remove(id));
  let drawn = /** @type {string | null} */ (null);
  return {
    node: parts.node,
    get isActive() {
      const shown = task();
      return Boolean(shown && isActive(shown));
    },
    update(force = false) {
      const shown = task();
      if (!shown) return;
      // what has ended changes only with its revision, or with the day
      const key = isActive(shown) ? null : `${shown.rev} ${Math.floor(now() / 60)} ${pane.hits.has(id) ? pane.round : 0}`;
      const picked = pane.picks.has(id);
      parts.node.classList.toggle("mo-selected", state.selected === id);
      parts.node.classList.toggle("mo-picked", picked);
      if (parts.tick.checked !== picked) parts.tick.checked = picked;
      setCurrent(parts.name, state.selected === id);
      const tabIndex = pane.stop === id ? 0 : -1;
      if (force || !key || key !== drawn) draw(parts, shown);
      drawn = key;
      if (parts.name.tabIndex !== tabIndex || parts.hits.firstElementChild) {
        for (const node of stops(parts)) node.tabIndex = tabIndex;
      }
    },
  };
}

/** What of a row the Tab key reaches. @param {RowParts} parts */
const stops = ({ name, tick, cancel, retry, download, remove, hits }) => [
  ...[name, tick, cancel, retry, download, remove],
  .../** @type {HTMLElement[]} */ ([...hits.children]),
];

function draw(/** @type {RowParts} */ parts, /** @type {Task} */ task) {
  const foreign = isForeign(task);
  const name = foreign ? t("row.others") : task.name;
  parts.node.dataset.status = task.status;
  parts.node.classList.toggle("mo-foreign", foreign);
  setIcon(parts.icon, task.status);
  setText(parts.folder, [state.tasks.get(task.parent)?.name, task.folder].map((at) => (at ? `${at}/` : "")).join(""));
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
  const ended = isActive(task) ? null : task.finished_at;
  setText(parts.when, ended ? moment(ended) : ready(task));
  parts.when.title = ended && READABLE.has(task.status) ? cost(task) : "";
  setText(parts.time, running(task));
  drawProgress(parts, task);
  drawError(parts.error, task);
  const lacks = isActive(task) ? "" : noteSummary(task.notes);
  show(parts.note, Boolean(lacks));
  setText(parts.note, lacks);
  const hits = pane.hits.get(task.id) ?? [];
  show(parts.hits, hits.length > 0);
  parts.hits.replaceChildren(...hitRows(task.id, hits));
  drawActions(parts, task, name, foreign);
}

function detail(/** @type {Task} */ task) {
  const { status, pages_done: done, pages_total: total, pages_failed: failed } = task;
  if (status === "queued" && state.queue?.status === "paused") return t("row.paused");
  if (status === "pending" || status === "queued") return task.position ? t("row.place", task.position) : "";
  if (status === "processing" || status === "cancelling") return total ? t("row.done", done, total) : "";
  if (status === "completed") return t("row.pages", total || 1);
  if (status === "partial") return t("row.failedpages", failed, total);
  if (status === "cancelled" && done) return t("row.kept", done, total);
  return "";
}

/** The estimate counts down by itself between two answers of the server. @param {Task} task */
function left(task) {
  if (task.eta_seconds === null) return "";
  const seconds = task.eta_seconds - (Date.now() - (task.seen ?? Date.now())) / 1000;
  return seconds > 0 ? estimate(seconds) : "";
}

function ready(/** @type {Task} */ task) {
  const time = task.status === "queued" && state.queue?.status !== "paused" && left(task);
  return join(waited(task), time && t("row.ready", time));
}

/** For how long it waits, once that is worth a word. @param {Task} task */
function waited(task) {
  const seconds = now() - task.created_at;
  if (!isActive(task) || task.status === "processing" || seconds < 60) return "";
  const [unit, length] = seconds < 3600 ? ["time.minutes", 60] : ["time.hours", 3600];
  return t("row.waited", t(unit, Math.floor(seconds / length), 0));
}

/** For how long it runs, and how much longer. @param {Task} task */
function running(task) {
  if (task.status !== "processing") return "";
  const time = left(task);
  return join(clock(now() - (task.started_at ?? now())), speed(task), time && t("row.left", time));
}

/** How fast it is read. After a retry it is not known: pages from before count as done. @param {Task} task */
function speed(task) {
  const seconds = now() - (task.started_at ?? now());
  if (task.attempt > 1 || !task.pages_done || seconds < 2) return "";
  const rate = task.pages_done / seconds;
  const [key, value] = rate >= 1 ? ["row.speed", rate] : ["row.speed.slow", rate * 60];
  return t(key, value.toFixed(value < 10 ? 1 : 0));
}

/** What an ended document took. @param {Task} task */
export function cost({ receipt, finished_at: end, started_at: start }) {
  return receipt?.cached ? t("row.cached") : t("row.took", duration((end ?? 0) - (start ?? 0)));
}

function drawProgress(/** @type {RowParts} */ { bar, done }, /** @type {Task} */ task) {
  const running = task.status === "processing" || task.status === "cancelling";
  show(bar, running);
  if (!running) return;
  const known = task.pages_total > 0 && task.pages_done > 0;
  bar.classList.toggle("mo-unknown", !known);
  bar.setAttribute("aria-label", t("row.progress"));
  bar.setAttribute("aria-valuemax", String(task.pages_total || 1));
  bar.setAttribute("aria-valuenow", String(task.pages_done));
  done.style.width = known ? `${(100 * task.pages_done) / task.pages_total}%` : "";
}

function drawError(/** @type {HTMLElement} */ node, /** @type {Task} */ task) {
  const text = task.error && !isActive(task) ? failure(task) : "";
  show(node, Boolean(text));
  setText(node, text);
}

/** What went wrong; of a partly done document also where, and what trying again would do. @param {Task} task */
function failure(task) {
  const pages = task.status === "partial" ? task.receipt?.failed_pages : "";
  return pages ? t("row.partly", explain(task.error), pages) : explain(task.error);
}

/** @param {RowParts} parts @param {Task} task @param {string} name @param {boolean} foreign */
function drawActions(parts, task, name, foreign) {
  const active = isActive(task);
  show(parts.cancel, active && !foreign);
  parts.cancel.disabled = task.status === "cancelling";
  show(parts.retry, worthRetry(task) && !foreign);
  show(parts.download, READABLE.has(task.status) && !foreign);
  show(parts.remove, !active && !foreign);
  setLabel(parts.cancel, t("row.of", t("row.cancel"), name));
  setLabel(parts.retry, t("row.of", t("row.retry"), name));
  setLabel(parts.download, t("row.of", t("row.download"), name));
  setLabel(parts.remove, t("row.of", t("row.delete"), name));
}

// ---- doing things

/** @param {HTMLButtonElement} button @param {string} id @param {string} action @param {object} [json] */
async function act(button, id, action, json) {
  button.disabled = true;
  await attempt(async () => {
    try {
      putTask(await post(taskPath(id, `/${action}`), json));
    } catch (error) {
      // somebody was quicker, or it has ended meanwhile: its row says so
      if (codeOf(error) !== "conflict" || action !== "cancel") throw error;
      notify(t("row.late"));
    }
    emit("tasks");
  });
  button.disabled = false;
  pollNow();
}

/** @param {HTMLButtonElement} button @param {string} id */
export const retry = (button, id, password = "") => act(button, id, "retry", { password });

async function remove(/** @type {string} */ id) {
  const name = state.tasks.get(id)?.name ?? "";
  await attempt(async () => {
    await call(taskPath(id), { method: "DELETE" });
    notify(t("say.deleted", name));
  });
  pollNow();
}
