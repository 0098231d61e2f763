// Reader: one document, page by page, while it is being converted or afterwards.

import { copy } from "../common/copy.js";
import { all, closest, setLabel, setText, show } from "../common/dom.js";
import { join } from "../common/format.js";
import { startFrame } from "../common/frame.js";
import { hasEnded, isActive, on, READABLE, selectedTask as task, state } from "../common/hub.js";
import { explain, remember, remembered, t } from "../common/language.js";
import { passTo, select, startLocation, turnTo } from "../common/location.js";
import { openDownloads } from "../common/menu.js";
import { attempt } from "../common/notice.js";
import { framed, isListSeen, setList } from "../common/panes.js";
import { loadTask } from "../common/poll.js";
import { call, codeOf, taskPath } from "../common/server.js";
import { cost } from "../queue/row.js";
import { absent } from "./absent.js";
import { drawAgain, startAgain } from "./again.js";
import { boxOf, labelBoxes, pieceOf, scrollToText } from "./boxes.js";
import { startEditing } from "./edit.js";
import { cellOf, emptyFlow, fill, flowTexts, refill, showProblem, startFlow } from "./flow.js";
import { showKeys, startKeys } from "./keys.js";
import { openLinks } from "./links.js";
import { drawNotes } from "./notes.js";
import { hasPictures, pageNumbers } from "./pages.js";
import { drawPaper, draw as drawPictures, emptyPicture, startPicture } from "./picture.js";
import { startPrint } from "./print.js";
import { openRecords, recordOf, renewRecords, want } from "./records.js";
import { mark, startSearch } from "./search.js";
import { hideNote, setView as setSheet, showNote } from "./sheet.js";
import { BESIDE, desk, pane, VIEW } from "./state.js";
import { hideStrip, labelStrip, showStrip } from "./strip.js";

const { part, records } = pane;

const STRIP = "mineru.strip";
const wide = matchMedia("(min-width: 1050px)");
// Room for the strip of pages as well.
const wider = matchMedia("(min-width: 1400px)");

export function start(/** @type {HTMLElement} */ element, /** @type {(event: string) => void} */ trigger) {
  pane.renderText = () => trigger("render_text");
  startFrame(element, part, () => {
    labelBoxes();
    labelStrip();
    refill();
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
  Object.assign(pane, { arrived, linked, opened: soonWant });
  startFlow((gliding) => moved(pane.flow.stack, pane.picture.stack, gliding));
  startPicture((gliding) => moved(pane.picture.stack, pane.flow.stack, gliding));
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
export const currentTexts = () => [...flowTexts(), pane.other.text];

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
  pane.document = null;
  drawHead();
  const missing = codeOf(error) === "not_found";
  const title = missing ? t("reader.gone") : explain(error);
  showNote({ icon: "failed", title, hint: missing ? t("reader.gone.hint") : "" });
}

function clear() {
  openRecords(task());
  emptyFlow();
  emptyPicture();
}

async function load() {
  if (!pane.ready) return; // it loads by itself once the sheet is there
  const now = task();
  if (now?.id !== pane.document) clear();
  pane.document = now?.id ?? null;
  const numbers = pages();
  if (now && !numbers.includes(state.page ?? 0)) state.page = numbers[0] ?? null;
  draw();
  note();
  if (state.page) for (const stack of stacks()) stack.goTo(state.page);
}

// ---- scrolling

const stacks = () => [pane.flow.stack, pane.picture.stack].filter((stack) => stack !== null);

/** Somebody scrolled: the other side goes along. @param {Stack | null} from @param {Stack | null} to @param {boolean} gliding */
function moved(from, to, gliding) {
  if (!from || !task()) return;
  if (!gliding && framed.matches) to?.follow(from.place());
  const page = from.page();
  if (page !== state.page) {
    passTo(page);
    part.number.value = String(page);
    draw();
  }
  soonWant();
}

// Somebody who drags the scrollbar does not want all that goes past.
const PASSING = 120;

function soonWant() {
  const open = new Set(stacks().flatMap((stack) => [...stack.cells.keys()]));
  const near = records.wanted.length === 0 || records.wanted.some((page) => open.has(page));
  clearTimeout(records.timer);
  records.timer = setTimeout(wantNow, near ? 0 : PASSING);
}

function wantNow() {
  const open = new Set(stacks().flatMap((stack) => [...stack.cells.keys()]));
  const far = (/** @type {number} */ page) => Math.abs(page - (state.page ?? 0));
  want([...open].sort((a, b) => far(a) - far(b)));
}

// ---- what has come

function arrived(/** @type {number} */ page, /** @type {unknown} */ problem) {
  const cell = cellOf(page);
  if (problem) showProblem(page, problem);
  else if (cell) fill(cell);
  drawPaper(page);
  if (page === state.page) draw();
}

function linked(/** @type {number} */ page) {
  mark(page);
  if (!pane.chosen || !pieceOf(pane.chosen).length) return;
  scrollToText(pane.chosen);
  pane.chosen = null;
}

// What did not come while the server was away.
function recover() {
  const now = task();
  if (now) renewRecords(now);
  for (const image of /** @type {HTMLImageElement[]} */ (all(desk(), "img[src]"))) {
    if (image.complete && !image.naturalWidth) image.src = image.src;
  }
}

/** The text of a box that was chosen is brought into view, and shown first where it is not. @param {string} id */
function chosen(id) {
  if (pane.view === "picture" && !boxOf(id)) return;
  const page = Number.parseInt(id, 10);
  if (pane.actual !== "text") {
    passTo(page);
    setView("text");
    // pictures above it may still come
    for (const later of [400, 1000]) setTimeout(() => pane.lit === id && scrollToText(id, false), later);
  }
  // after the pages have found their places
  requestAnimationFrame(() => {
    pane.chosen = id;
    linked(page);
  });
}

/** The task moved on: more pages may be there, and what was read from a shard is now in the result. @param {TaskChange} change */
function follow({ task: now, before }) {
  const restarted = before && !isActive(before) && isActive(now);
  const more = before?.pages_done !== now.pages_done || before?.pages_total !== now.pages_total;
  const replaced = before && (before.redone !== now.redone || before.receipt?.output_sha256 !== now.receipt?.output_sha256);
  if (hasEnded({ task: now, before }) || restarted || replaced) renewRecords(now, true);
  else if (more) renewRecords(now);
  const numbers = pages();
  if (!state.page && numbers.length) load();
  draw();
  note();
  // what is said of a page that is not there
  if (before?.status !== now.status) for (const page of numbers) if (recordOf(page) === null) arrived(page, null);
}

// ---- drawing

function draw() {
  if (!pane.ready) return;
  drawHead();
  drawPager();
  const now = task();
  const { page } = state;
  const { view } = pane;
  const record = recordOf(page);
  const pictured = Boolean(now && hasPictures(now) && page);
  const roomy = wide.matches && framed.matches;
  const side = pane.beside && roomy && pictured;
  const actual = view === "picture" && !pictured ? "text" : view;
  for (const tab of pane.tabs) {
    tab.setAttribute("aria-selected", String(viewOf(tab) === actual));
    tab.tabIndex = viewOf(tab) === actual ? 0 : -1;
    if (viewOf(tab) === "picture") show(tab, pictured);
  }
  show(part.beside, pictured && roomy);
  part.beside.setAttribute("aria-pressed", String(side));
  const many = pictured && pages().length > 1;
  show(part["strip-switch"], many && framed.matches);
  part["strip-switch"].setAttribute("aria-pressed", String(hasStrip()));
  carry(() => {
    pane.actual = actual;
    setSheet(now ? actual : "text", side && actual !== "picture", many && hasStrip());
    pane.flow.stack?.setPages(pages());
    pane.picture.stack?.setPages(pictured ? pages() : []);
  });
  if (now && page && many && hasStrip()) showStrip(now, pages(), page);
  else hideStrip();
  if (pictured) drawPictures();
  drawAgain(now, page, now ? actual : "text");
  show(part.copy, Boolean(record) && actual !== "picture");
  setLabel(part.copy, t(`reader.copy.${actual}`));
}

/** Another view shows the page that was read before. @param {() => void} change */
function carry(change) {
  const layout = JSON.stringify(desk().dataset);
  change();
  if (layout === JSON.stringify(desk().dataset) || !state.page) return;
  pane.flow.heights.clear();
  refill();
  for (const stack of stacks()) stack.goTo(state.page);
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
  if (problem) return showNote({ icon: "failed", title: explain(problem) });
  if (now) return now.pages_done > 0 ? hideNote() : showNote(absent(now, state.page));
  if (!state.selected) showNote({ icon: "book", title: t("reader.none"), hint: t("reader.none.hint") });
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
  const record = recordOf(state.page);
  if (!record) return;
  const prose = /** @type {HTMLElement | null | undefined} */ (cellOf(record.page)?.slot.querySelector(".prose"));
  if (pane.actual === "json") copy(JSON.stringify(record, null, 2), part.copy);
  else if (pane.actual === "raw" || !prose) copy(record.markdown, part.copy);
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
