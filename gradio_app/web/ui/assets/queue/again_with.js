// Form "Try again with…": a document is read once more by other options, as a task of its own.

import { el } from "../common/dom.js";
import { dropTask, emit, offered, putTask, READABLE } from "../common/hub.js";
import { t, tierName } from "../common/language.js";
import { select } from "../common/location.js";
import { openForm } from "../common/menu.js";
import { attempt } from "../common/notice.js";
import { pollNow } from "../common/poll.js";
import { call, post, taskPath } from "../common/server.js";

const LOCKED = ["file_encrypted", "password_wrong"];

/** @param {HTMLElement} button @param {Task} task */
export function tryAgainWith(button, task) {
  const tier = choice("intake.tier", ["auto", ...offered()], "auto");
  const ocr = choice("intake.ocr", ["auto", "txt", "ocr"], task.ocr_mode);
  const pages = el("input", { type: "text", placeholder: t("intake.pages.all"), maxlength: "200" });
  pages.value = task.page_range;
  const password = el("input", { type: "password", autocomplete: "off", maxlength: "1000" });
  const fields = [field("intake.tier", tier), field("intake.pages", pages), field("intake.ocr", ocr)];
  if (LOCKED.includes(task.error?.code ?? "")) fields.push(field("reader.password", password));
  openForm(button, t("again.with.ask", task.name), fields, t("row.retry"), () => {
    const how = { tier: tier.value, page_range: pages.value, ocr_mode: ocr.value, password: password.value };
    attempt(() => begin(task, how));
  });
}

/** @param {string} text @param {string[]} values @param {string} chosen */
function choice(text, values, chosen) {
  const node = el("select", {}, ...values.map((value) => el("option", { value }, tierName(value, text))));
  node.value = chosen;
  return node;
}

/** @param {string} text @param {HTMLElement} node */
const field = (text, node) => el("label", { class: "mo-field" }, el("span", {}, t(text)), node);

/** What has ended without a result makes room for its next try. @param {Task} task @param {object} how */
async function begin(task, how) {
  const fresh = /** @type {Task} */ (await post(taskPath(task.id, "/again"), how));
  putTask(fresh);
  if (!READABLE.has(task.status) && !task.pages_done) {
    await call(taskPath(task.id), { method: "DELETE" });
    dropTask(task.id);
  }
  emit("tasks");
  select(fresh.id);
  pollNow();
}
