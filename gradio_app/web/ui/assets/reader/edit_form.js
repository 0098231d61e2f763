// Form in which a block is corrected: its text, its level as a heading, or its cells. What is typed is never lost.

import { all, closest, el, setText, show } from "../common/dom.js";
import { putTask } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { hostNotices, notify } from "../common/notice.js";
import { closeBeside } from "../common/panel.js";
import { pollNow } from "../common/poll.js";
import { call, Problem, taskPath } from "../common/server.js";

// What was typed and not saved, by document and block.
const drafts = /** @type {Map<string, Change>} */ (new Map());
// How often a correction is sent again while others change other blocks.
const TRIES = 3;

/** @param {EditedBlock} wanted @param {() => void} saved called when the document has changed */
export async function openEditor(wanted, saved) {
  const { task, id } = wanted;
  const [page, index] = id.split("-");
  const path = taskPath(task.id, `/pages/${page}/blocks/${index}`);
  try {
    const block = /** @type {EditableBlock} */ (await call(path));
    if (block.text === null && !block.cells) notify(t("edit.cannot"));
    else new Form(wanted, path, block, saved).open();
  } catch (error) {
    notify(explain(error), "bad");
  }
}

class Form {
  /** @param {EditedBlock} wanted @param {string} path @param {EditableBlock} block @param {() => void} saved */
  constructor({ task, id, cell, original, aside }, path, block, saved) {
    this.key = `${task.id} ${id}`;
    this.cell = cell;
    this.path = path;
    this.base = block;
    this.saved = saved;
    this.fields = el("div", { class: "mo-edit-fields" });
    this.said = el("p", { class: "mo-edit-said", role: "alert", hidden: true });
    this.theirs = el("div", { class: "mo-edit-theirs", role: "group", "aria-label": t("edit.changed"), hidden: true });
    const button = (/** @type {string} */ words, /** @type {() => void} */ act, kind = "") =>
      el("button", { type: "button", class: `mo-button ${kind}`, onclick: act }, t(words));
    this.save = button("edit.save", () => this.send(), "mo-yes");
    const close = button("edit.cancel", () => this.dialog.close());
    const back = block.original && button("edit.back", () => this.bringBack());
    const before = original !== null && told("edit.original", [original]);
    const earlier = aside.length > 0 && told("edit.aside", aside.map(({ markdown }) => markdown));
    const kind = block.cells ? "cells" : block.level ? "heading" : "text";
    this.dialog = el(
      "dialog",
      { class: "mo-pane mo-editor", "aria-label": t(`edit.title.${kind}`) },
      el("h2", {}, t(`edit.title.${kind}`)),
      this.fields,
      before || null,
      earlier || null,
      this.theirs,
      this.said,
      el("footer", {}, back, el("span", { class: "mo-grow" }, t("edit.keys")), close, this.save),
    );
    closeBeside(this.dialog, close);
    this.dialog.onclick = null; // a click beside it would put away what was typed
    this.dialog.onclose = () => this.closed();
    this.dialog.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send();
      if (event.key === "Escape") event.stopPropagation();
    };
    this.fill(block, drafts.get(this.key));
  }

  open() {
    (document.querySelector("main") ?? document.body).append(this.dialog);
    this.dialog.showModal();
    hostNotices(this.dialog);
    const first = this.cell && this.fields.querySelector(`[data-cell="${this.cell}"]`);
    /** @type {HTMLElement | undefined} */ (first || all(this.fields, "textarea")[0])?.focus();
  }

  closed() {
    hostNotices(document.body);
    this.dialog.remove();
  }

  /** Fields with what the block says, and over it what was typed. @param {EditableBlock} block @param {Change} [typed] */
  fill(block, typed) {
    const nodes = [];
    if (block.level !== null) nodes.push(levels(typed?.level ?? block.level));
    if (block.text !== null) nodes.push(area(t("edit.text"), typed?.text ?? block.text, { rows: 6, "data-text": true }));
    if (block.cells) nodes.push(grid(block.cells, typed?.cells ?? []));
    this.fields.replaceChildren(...nodes);
    this.fields.oninput = () => this.keep();
    if (typed) this.say(t("edit.draft"));
  }

  keep() {
    const change = this.change();
    if (change) drafts.set(this.key, change);
    else drafts.delete(this.key);
  }

  /** What differs from the block; null when nothing does. @returns {Change | null} */
  change() {
    const change = /** @type {Change} */ ({});
    const text = /** @type {HTMLTextAreaElement | null} */ (this.fields.querySelector("[data-text]"));
    const level = this.fields.querySelector("select");
    if (text && text.value !== this.base.text) change.text = text.value;
    if (level && Number(level.value) !== this.base.level) change.level = Number(level.value);
    const cells = /** @type {HTMLTextAreaElement[]} */ (all(this.fields, "[data-cell]")).map((node) => {
      const [row, cell] = (node.dataset.cell ?? "").split(" ").map(Number);
      return { row, cell, text: node.value };
    });
    const other = cells.filter(({ row, cell, text: words }) => words !== this.base.cells?.[row]?.[cell]?.text);
    if (other.length) change.cells = other;
    return Object.keys(change).length ? change : null;
  }

  /** @param {Change | null} [change] */
  async send(change = this.change()) {
    if (!change) return this.dialog.close();
    await this.doing(() => this.sent((rev) => call(this.path, { method: "PATCH", json: { rev, ...change } })));
  }

  bringBack() {
    return this.doing(() => this.sent((rev) => call(`${this.path}?rev=${rev}`, { method: "DELETE" })));
  }

  /** Sends it, again where only other blocks have changed. @param {(rev: number) => Promise<Task>} request */
  async sent(request) {
    for (let tries = 1; ; tries += 1) {
      try {
        putTask(await request(this.base.rev));
        break;
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 409) throw error;
        const fresh = /** @type {EditableBlock} */ (await call(this.path));
        if (!isSame(fresh, this.base)) return this.ask(fresh);
        if (tries === TRIES) throw error;
        this.base.rev = fresh.rev;
      }
    }
    drafts.delete(this.key);
    this.dialog.close();
    notify(t("edit.saved"));
    this.saved();
    pollNow();
  }

  /** Somebody has changed this block meanwhile: whose text counts? @param {EditableBlock} fresh */
  ask(fresh) {
    const mine = this.change();
    const words = fresh.text ?? fresh.cells?.map((row) => row.map((cell) => cell.text).join(" | ")).join("\n") ?? "";
    const decide = (/** @type {string} */ said, /** @type {() => void} */ act) =>
      el("button", { type: "button", class: "mo-button", onclick: () => (show(this.theirs, false), (this.base = fresh), act()) }, t(said));
    const keepMine = decide("edit.mine", () => this.send(mine));
    const takeTheirs = decide("edit.take", () => {
      drafts.delete(this.key);
      this.fill(fresh);
    });
    this.theirs.replaceChildren(el("p", {}, t("edit.changed")), el("pre", { dir: "auto", tabindex: "0" }, words), keepMine, takeTheirs);
    show(this.theirs, true);
    keepMine.focus();
  }

  say(/** @type {string} */ words) {
    setText(this.said, words);
    show(this.said, Boolean(words));
  }

  /** @param {() => Promise<void>} work */
  async doing(work) {
    this.say("");
    this.save.disabled = true;
    try {
      await work();
    } catch (error) {
      this.say(explain(error));
    }
    this.save.disabled = false;
  }
}

/** @param {EditableBlock} one @param {EditableBlock} other */
const isSame = (one, other) =>
  JSON.stringify([one.type, one.text, one.level, one.cells]) === JSON.stringify([other.type, other.text, other.level, other.cells]);

/** Texts that can be unfolded. @param {string} title @param {string[]} texts */
const told = (title, texts) =>
  el("details", {}, el("summary", {}, t(title)), ...texts.map((text) => el("pre", { dir: "auto", tabindex: "0" }, text)));

/** @param {string} label @param {string} text @param {Record<string, any>} attributes */
function area(label, text, attributes) {
  const node = el("textarea", { "aria-label": label, dir: "auto", ...attributes });
  node.value = text;
  return node;
}

function levels(/** @type {number} */ level) {
  const options = [0, 1, 2, 3, 4, 5, 6].map((each) => el("option", { value: each, selected: each === level }, t(each ? "edit.level" : "edit.paragraph", each)));
  return el("label", {}, t("edit.kind"), el("select", {}, ...options));
}

/** @param {EditableCell[][]} rows @param {NonNullable<Change["cells"]>} typed */
function grid(rows, typed) {
  const known = new Map(typed.map(({ row, cell, text }) => [`${row} ${cell}`, text]));
  const made = rows.map((cells, row) =>
    el(
      "tr",
      {},
      ...cells.map(({ text, rows: high, columns, head, fixed }, cell) => {
        const label = t("edit.cell", row + 1, cell + 1);
        const content = fixed
          ? el("span", { class: "mo-edit-fixed" }, text || t("edit.fixed"))
          : area(label, known.get(`${row} ${cell}`) ?? text, { rows: 1, "data-cell": `${row} ${cell}`, class: head ? "mo-edit-head" : "" });
        return el("td", { rowspan: high, colspan: columns }, content);
      }),
    ),
  );
  const table = el("table", {}, el("tbody", {}, ...made));
  table.addEventListener("keydown", (event) => {
    const at = /** @type {HTMLTextAreaElement | null} */ (closest(event, "[data-cell]"));
    if (!at || !["ArrowUp", "ArrowDown"].includes(event.key) || at.value.includes("\n")) return;
    const [row, cell] = (at.dataset.cell ?? "").split(" ").map(Number);
    const next = row + (event.key === "ArrowUp" ? -1 : 1);
    /** @type {HTMLElement | null} */ (table.querySelector(`[data-cell="${next} ${cell}"]`))?.focus();
  });
  return el("div", { class: "mo-edit-grid" }, table);
}
