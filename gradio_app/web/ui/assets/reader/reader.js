// Reader: one document, page by page, while it is being converted or afterwards.

import { copy } from "../common/copy.js";
import { all, closest, setLabel, setText, show } from "../common/dom.js";
import { join } from "../common/format.js";
import { startFrame } from "../common/frame.js";
import { hasEnded, isActive, on, READABLE, selectedTask as task, state } from "../common/hub.js";
import { explain, remember, remembered, t } from "../common/language.js";
import { select, startLocation, turnTo } from "../common/location.js";
import { openDownloads } from "../common/menu.js";
import { attempt } from "../common/notice.js";
import { framed, isListSeen, setList } from "../common/panes.js";
import { loadTask } from "../common/poll.js";
import { call, codeOf, isAborted, taskPath } from "../common/server.js";
import { cost } from "../queue/row.js";
import { absent } from "./absent.js";
import { drawAgain, startAgain } from "./again.js";
import { boxOf, drawBoxes, labelBoxes, linkText, scrollToText } from "./boxes.js";
import { startEditing } from "./edit.js";
import { showKeys, startKeys } from "./keys.js";
import { openLinks } from "./links.js";
import { prepare } from "./markdown.js";
import { drawNotes } from "./notes.js";
import { hasPictures, loadPage, pageNumbers } from "./pages.js";
import { hidePicture, showPicture } from "./picture.js";
import { startPrint } from "./print.js";
import { mark, startSearch } from "./search.js";
import { hideNote, setView as setSheet, showNote, showRecord } from "./sheet.js";
import { BESIDE, desk, NOTHING, pane, texts, VIEW, written } from "./state.js";
import { hideStrip, labelStrip, showStrip } from "./strip.js";

const { part } = pane;

const STRIP = "mineru.strip";
const wide = matchMedia("(min-width: 1050px)");
// Room for the strip of pages as well.
const wider = matchMedia("(min-width: 1400px)");

export function start(/** @type {HTMLElement} */ element, /** @type {(event: string) => void} */ trigger) {
  pane.renderText = () => trigger("render_text");
  startFrame(element, part, () => {
    labelBoxes();
    labelStrip();
    draw();
    note();
  });
  pane.tabs = all(element, "[data-view]");
  listen();
  if (pane.ready) begin();
  else on("sheet", begin);
}

function begin() {
  on("box-chosen", chosen);
  startAgain();
  startEditing();
  for (const text of texts()) new MutationObserver(() => direct(text)).observe(text, { childList: true, subtree: true });
  new MutationObserver(relink).observe(written(), { childList: true, subtree: true });
  startLocation();
  open();
}

function listen() {
  for (const tab of pane.tabs) tab.onclick = () => setView(viewOf(tab));
  const tablist = /** @type {HTMLElement} */ (pane.tabs[0].parentElement);
  tablist.onkeydown = walkTabs;
  part.beside.onclick = () => setBeside(!pane.beside);
  part["strip-switch"].onclick = () => {
    remember(STRIP, hasStrip() ? "off" : "on");
    draw();
  };
  startSearch();
  part.link.onclick = () => {
    const now = task();
    if (now) openLinks(part.link, now, state.page, READABLE.has(now.status));
  };
  part.copy.onclick = copyShown;
  part["copy-all"].onclick = () => attempt(copyAll);
  part.download.onclick = () => openDownloads(part.download, task());
  part.close.onclick = () => select(null);
  part.previous.onclick = () => step(-1);
  part.next.onclick = () => step(1);
  part.number.onchange = () => go(Number(part.number.value));
  startKeys(step);
  startPrint();
  part.keys.onclick = showKeys;
  part.list.onclick = () => (framed.matches ? setList(true) : select(null));
  on("panes", drawHead);
  for (const room of [wide, wider, framed]) room.addEventListener("change", draw);
  on("selected", open);
  on("page", load);
  on("connection", () => state.connection === "online" && recover());
  on("gone", (id) => id === state.selected && select(null));
  on("task", (change) => change.task.id === state.selected && follow(change));
}

// The texts for Gradio's Markdowns, which ask for them when `render_text` was triggered.
export const currentTexts = () => [pane.shown.text, pane.other.text];

// Whether the strip of pages is wanted: where there is room, unless it was switched off.
const hasStrip = () => framed.matches && (remembered(STRIP) ?? (wider.matches ? "on" : "off")) === "on";

const viewOf = (/** @type {HTMLElement} */ tab) => /** @type {ReaderView} */ (tab.dataset.view);

function pages() {
  const now = task();
  return now ? pageNumbers(now) : [];
}

// ---- opening

async function open() {
  const id = state.selected;
  if (id && !task()) {
    try {
      await loadTask(id);
    } catch (error) {
      if (id === state.selected) gone(error);
      return;
    }
  }
  if (id !== state.selected) return;
  if (!pane.ready) return;
  await load();
}

function gone(/** @type {unknown} */ error) {
  if (!pane.ready) return;
  clear();
  drawHead();
  const missing = codeOf(error) === "not_found";
  const title = missing ? t("reader.gone") : explain(error);
  showNote({ icon: "failed", title, hint: missing ? t("reader.gone.hint") : "" });
}

function clear() {
  pane.loading?.abort();
  pane.shown = NOTHING;
  showRecord(null);
  drawBoxes(null);
  linkText(pane.shown.marks);
  pane.renderText();
}

async function load() {
  if (!pane.ready) return; // it loads by itself once the sheet is there
  const now = task();
  if (!now) {
    clear();
    draw();
    note();
    return;
  }
  const numbers = pages();
  if (!numbers.includes(state.page ?? 0)) state.page = numbers[0] ?? null;
  const key = `${now.id} ${state.page}`;
  if (key !== pane.shown.key) {
    clear();
    pane.turned = true;
  }
  pane.shown = { ...pane.shown, key };
  draw();
  await fetchPage(now, key);
}

async function fetchPage(/** @type {Task} */ now, /** @type {string} */ key) {
  pane.loading?.abort();
  pane.loading = new AbortController();
  let record = null;
  // before the first page is done there is nothing to ask for
  if (state.page && now.pages_done > 0) {
    try {
      record = await loadPage(now, state.page, pane.loading.signal);
    } catch (error) {
      if (!isAborted(error) && key === pane.shown.key && !pane.shown.record) note(error);
      return;
    }
  }
  if (key === pane.shown.key) put(record, now);
}

function put(/** @type {Page | null} */ record, /** @type {Task} */ now) {
  const changed = record?.markdown !== pane.shown.record?.markdown;
  pane.shown.record = record;
  drawBoxes(record);
  if (record && changed) {
    write(record, now.id);
    showRecord(record);
  }
  draw();
  note();
  if (pane.turned) toTop();
  pane.turned = false;
}

function write(/** @type {Page} */ record, /** @type {string} */ id, linked = true) {
  const { text, cut, mark, marks } = prepare(record, id, linked);
  pane.shown = { ...pane.shown, text, mark, marks };
  part.banner.dataset.cut = String(cut);
  pane.renderText();
}

// Right to left where the first letter is; a cell with a sentence is no column of single words beside wide numbers.
function direct(/** @type {HTMLElement} */ text) {
  for (const cell of all(text, "td, th")) if ((cell.textContent?.length ?? 0) > 60) cell.style.minWidth = "24ch";
  for (const piece of all(text, "p, h1, h2, h3, h4, h5, h6, ul, ol, table, blockquote, summary")) piece.dir = "auto";
}

// Gradio has written the text: now its pieces are known.
function relink() {
  const { record, mark: begin, marks } = pane.shown;
  if (!record || !state.selected) return;
  // inside unclosed code a mark is text: better the plain text without links than marks that are read
  if (begin && written().textContent?.includes(begin)) write(record, state.selected, false);
  else {
    linkText(marks);
    mark();
  }
}

// What did not come while the server was away.
function recover() {
  if (!pane.shown.record) load();
  for (const image of /** @type {HTMLImageElement[]} */ (all(desk(), "img[src]"))) {
    if (image.complete && !image.naturalWidth) image.src = image.src;
  }
  const now = task();
  if (pane.ready && now && state.page && !part.caption.hidden) showPicture(now, state.page, pane.shown.record, true);
}

/** The text of a box that was chosen is brought into view, and shown first where it is not. @param {string} id */
function chosen(id) {
  if (pane.view === "picture" && !boxOf(id)) return;
  if (desk().dataset.view !== "text") setView("text");
  scrollToText(id);
}

function toTop() {
  written().scrollTo(0, 0);
  // on a phone it is the window that scrolls
  const top = document.getElementById("mo-desk")?.getBoundingClientRect().top ?? 0;
  if (top < 0) desk().scrollIntoView();
}

/** The task moved on: more pages may be there, and what was read from a shard is now in the result. @param {TaskChange} change */
function follow({ task: now, before }) {
  const restarted = before && !isActive(before) && isActive(now);
  const more = before?.pages_done !== now.pages_done || before?.pages_total !== now.pages_total;
  const replaced = before && (before.redone !== now.redone || before.receipt?.output_sha256 !== now.receipt?.output_sha256);
  if (hasEnded({ task: now, before }) || restarted || replaced || (more && !pane.shown.record)) load();
  else {
    draw();
    if (!pane.shown.record) note();
  }
}

// ---- drawing

function draw() {
  if (!pane.ready) return;
  drawHead();
  drawPager();
  const now = task();
  const { page } = state;
  const { view, shown } = pane;
  const pictured = Boolean(now && hasPictures(now) && page);
  const side = pane.beside && wide.matches && pictured;
  const actual = view === "picture" && !pictured ? "text" : view;
  for (const tab of pane.tabs) {
    tab.setAttribute("aria-selected", String(viewOf(tab) === actual));
    tab.tabIndex = viewOf(tab) === actual ? 0 : -1;
    if (viewOf(tab) === "picture") show(tab, pictured);
  }
  show(part.beside, pictured && wide.matches);
  part.beside.setAttribute("aria-pressed", String(side));
  const many = pictured && pages().length > 1;
  show(part["strip-switch"], many && framed.matches);
  part["strip-switch"].setAttribute("aria-pressed", String(hasStrip()));
  setSheet(now ? actual : "text", side && actual !== "picture", many && hasStrip());
  if (now && page && many && hasStrip()) showStrip(now, pages(), page);
  else hideStrip();
  if (now && page && pictured && (side || actual === "picture")) showPicture(now, page, shown.record);
  else hidePicture();
  drawAgain(now, page, now ? actual : "text");
  show(part.copy, Boolean(shown.record) && actual !== "picture");
  setLabel(part.copy, t(`reader.copy.${actual}`));
  setText(part.banner, t("reader.cut"));
  show(part.banner, actual === "text" && part.banner.dataset.cut === "true" && Boolean(shown.record));
}

function drawHead() {
  const now = task();
  setText(part.title, now ? now.name || t("row.others") : t("reader.title"));
  part.title.title = now?.name ?? "";
  show(part.list, !isListSeen());
  show(part.tools, Boolean(state.selected));
  show(part.link, Boolean(now));
  show(part.bar, Boolean(now?.pages_total));
  for (const node of [part["copy-all"], part.download]) show(node, Boolean(now && READABLE.has(now.status)));
  show(part.sub, Boolean(now));
  if (now) setText(part.sub, subtitle(now));
  if (now) part.sub.dataset.status = now.status;
  drawNotes(now && !isActive(now) ? now : undefined);
}

function subtitle(/** @type {Task} */ now) {
  const counted = isActive(now) ? t("row.done", now.pages_done, now.pages_total) : t("row.pages", now.pages_total);
  const took = READABLE.has(now.status) && cost(now);
  const redone = now.redone && t("again.pages", now.redone);
  return join(t(`status.${now.status}`), now.pages_total > 0 && counted, now.tier !== "auto" && now.tier, redone, took);
}

function drawPager() {
  const numbers = pages();
  const at = numbers.indexOf(state.page ?? 0);
  show(part.pager, numbers.length > 0);
  if (document.activeElement !== part.number) part.number.value = String(state.page ?? "");
  const last = numbers.at(-1);
  const whole = last === numbers.length;
  setText(part.of, whole ? t("reader.of", last ?? 0) : t("reader.nth", at + 1, numbers.length));
  part.previous.disabled = at <= 0;
  part.next.disabled = at < 0 || at === numbers.length - 1;
}

/** What stands in place of the text when there is none. @param {unknown} problem */
function note(problem = null) {
  if (!pane.ready) return;
  const now = task();
  const { record } = pane.shown;
  if (record?.markdown.trim()) return hideNote();
  if (problem) return showNote({ icon: "failed", title: explain(problem) });
  if (!now) {
    if (!state.selected) showNote({ icon: "book", title: t("reader.none"), hint: t("reader.none.hint") });
    return;
  }
  showNote(record ? { icon: "file", title: t("reader.empty"), hint: t("reader.empty.hint") } : absent(now));
}

// ---- turning pages

function step(/** @type {number} */ by) {
  const numbers = pages();
  const next = numbers[numbers.indexOf(state.page ?? 0) + by];
  if (next) turnTo(next);
}

/** To that page, or to the nearest one there is. @param {number} wanted */
function go(wanted) {
  const numbers = pages();
  if (Number.isFinite(wanted) && numbers.length) {
    turnTo(numbers.reduce((best, page) => (Math.abs(page - wanted) < Math.abs(best - wanted) ? page : best)));
  }
  part.number.value = String(state.page ?? "");
}

// ---- views

function setView(/** @type {ReaderView} */ next) {
  pane.view = next;
  remember(VIEW, next);
  draw();
}

function setBeside(/** @type {boolean} */ next) {
  pane.beside = next;
  remember(BESIDE, next ? null : "off");
  draw();
}

function copyShown() {
  const { record } = pane.shown;
  if (!record) return;
  const { view } = desk().dataset;
  const prose = /** @type {HTMLElement | null} */ (written().querySelector(".prose"));
  if (view === "json") copy(JSON.stringify(record, null, 2), part.copy);
  else if (view === "raw" || !prose) copy(record.markdown, part.copy);
  else copy(prose.innerText, part.copy, prose.innerHTML);
}

// The whole document, from the file that is downloaded, too.
async function copyAll() {
  const text = await call(taskPath(state.selected ?? "", "/result?format=markdown"), { as: "text" });
  await copy(text, part["copy-all"]);
}

function walkTabs(/** @type {KeyboardEvent} */ event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const tab = closest(event, "[role=tab]");
  if (!by || !tab) return;
  event.preventDefault();
  const visible = pane.tabs.filter((each) => !each.hidden);
  const next = /** @type {HTMLElement} */ (visible.at((visible.indexOf(tab) + by) % visible.length));
  setView(viewOf(next));
  next.focus();
}
