// Selection of many documents: picking them, and what can be done with those that are picked.

import { all, closest, el, setText, show } from "../common/dom.js";
import { ACTIVE, emit, isForeign, on, READABLE, RETRYABLE, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { ask } from "../common/menu.js";
import { attempt, notify, say } from "../common/notice.js";
import { pollNow } from "../common/poll.js";
import { address, call, post } from "../common/server.js";
import { pane, shownIds } from "./state.js";
import { countOf, kindQuery } from "./view.js";

const { part, picks, view } = pane;

const AT_ONCE = 500; // tasks in one request: the bar says how far it is

const stoppable = (/** @type {string} */ status) => ACTIVE.has(status) && status !== "cancelling";

/** @type {Record<string, (status: string) => boolean>} what can be done, and with which documents */
const ACTIONS = {
  cancel: stoppable,
  retry: (status) => RETRYABLE.has(status),
  download: (status) => READABLE.has(status),
  delete: () => true,
};

export function startPicks() {
  part["picks-all"].onclick = pickAll;
  part["picks-clear"].onclick = clearPicks;
  for (const button of buttons()) button.onclick = () => start(button);
  on("task", ({ task }) => picks.has(task.id) && (picks.set(task.id, task.status), drawBar()));
  on("gone", (id) => picks.delete(id) && changed());
  on("language", drawBar);
  on("view-asked", clearPicks);
  on("counts", drawBar);
  document.addEventListener("keydown", (event) => {
    const inside = closest(event, ".mo-menu, dialog, input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && !event.defaultPrevented && !inside && picks.size) clearPicks();
  });
}

// A row was ticked, or with shift all from the last one that was.
export function pick(/** @type {string} */ id, /** @type {boolean} */ wanted, /** @type {boolean} */ shift) {
  const ids = shownIds();
  const [from, to] = [ids.indexOf(pane.anchor), ids.indexOf(id)];
  const run = shift && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const each of run) {
    const task = state.tasks.get(each);
    if (!task || isForeign(task)) continue;
    if (wanted) picks.set(each, task.status);
    else picks.delete(each);
  }
  pane.anchor = id;
  changed();
}

function clearPicks() {
  if (!picks.size) return;
  if (part.picks.contains(document.activeElement)) part.body.focus();
  picks.clear();
  pane.anchor = "";
  changed();
}

function changed() {
  drawBar();
  emit("picks");
}

// ---- the bar

const buttons = () => /** @type {HTMLButtonElement[]} */ (all(part.picks, "[data-action]"));

// What a button does, and the documents with which it can be done.
function actionOf(/** @type {HTMLElement} */ button) {
  const { action: name = "" } = button.dataset;
  return { name, ids: [...picks].filter(([, status]) => ACTIONS[name](status)).map(([id]) => id) };
}

function drawBar() {
  show(part.picks, picks.size > 0 || Boolean(pane.busy));
  if (part.picks.hidden) return;
  setText(part["picks-text"], pane.busy || t("pick.count", picks.size));
  const total = countOf(view.kind);
  show(part["picks-all"], !pane.busy && picks.size < total);
  setText(part["picks-all"], t("pick.all", total));
  for (const button of buttons()) {
    const { name, ids } = actionOf(button);
    const n = ids.length;
    setText(/** @type {Node} */ (button.lastElementChild), n ? n.toLocaleString(document.documentElement.lang) : "");
    button.disabled = !n || Boolean(pane.busy);
    button.setAttribute("aria-label", t("pick.do", t(`row.${name}`), n));
    button.title = t(`row.${name}`);
  }
}

// All that match on the server, not only those that were loaded.
async function pickAll() {
  await attempt(async () => {
    const { ids, more } = /** @type {TaskIds} */ (await call(`api/v1/tasks/ids?${kindQuery()}`));
    for (const [status, some] of Object.entries(ids)) for (const id of some) picks.set(id, status);
    if (more) notify(t("pick.more", picks.size));
    changed();
  });
}

// ---- doing things

function start(/** @type {HTMLElement} */ button) {
  const { name, ids } = actionOf(button);
  if (name === "download") return save(ids);
  if (name !== "delete") return run(name, ids);
  const running = ids.filter((id) => stoppable(picks.get(id) ?? "")).length;
  const words = [t("pick.delete.ask", ids.length), running ? t("pick.delete.running", running) : ""].filter(Boolean).join(" ");
  ask(button, words, t("row.delete"), () => run(name, ids));
}

async function run(/** @type {string} */ action, /** @type {string[]} */ ids) {
  let done = 0;
  const failed = /** @type {Refusal[]} */ ([]);
  await attempt(async () => {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      pane.busy = t(`pick.doing.${action}`, from, ids.length);
      drawBar();
      const some = ids.slice(from, from + AT_ONCE);
      const answer = /** @type {BulkAnswer} */ (await post("api/v1/tasks/bulk", { action, ids: some }));
      done += answer.done;
      failed.push(...answer.failed);
      for (const id of answer.ids) picks.delete(id);
      pollNow();
    }
    const result = t(`pick.done.${action}`, done);
    if (failed.length) notify(`${result} ${t("pick.failed", failed.length, explain(failed[0].error))}`, "bad");
    else notify(result);
    say(result);
  });
  pane.busy = "";
  changed();
  pollNow();
}

/** A form, so that the browser writes the archive to the disk as it comes. @param {string[]} ids */
function save(ids) {
  const frame = document.querySelector("iframe[name=mo-save]") ?? el("iframe", { name: "mo-save", hidden: true, title: "" });
  const field = el("input", { type: "hidden", name: "ids", value: ids.join(",") });
  const action = address("api/v1/tasks/download");
  const form = el("form", { method: "post", target: "mo-save", action, hidden: true }, field);
  document.body.append(frame, form);
  form.submit();
  form.remove();
  notify(t("pick.saving", ids.length));
}
