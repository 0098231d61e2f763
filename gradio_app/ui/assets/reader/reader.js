// The reader: one document, page by page, while it is being converted or afterwards.

import { preparePane, setLabel, setText, show } from "../common/dom.js";
import { join } from "../common/format.js";
import { isActive, on, READABLE, state } from "../common/hub.js";
import { explain, remember, remembered, t, translate } from "../common/language.js";
import { prepare } from "./markdown.js";
import { openDownloads } from "../common/menu.js";
import { hasPictures, loadPage, pageNumbers } from "./pages.js";
import { addressOf, select, startPlace, turnTo } from "../common/location.js";
import { loadTask } from "../common/poll.js";
import { absent } from "./absent.js";
import { drawAgain, otherText, startAgain } from "./again.js";
import { copy } from "./copy.js";
import { showKeys, startKeys } from "./keys.js";
import { cost } from "../queue/row.js";
import { mark, startSearch } from "./search.js";
import * as sheet from "./sheet.js";
import { boxOf, drawBoxes, labelBoxes, linkText, scrollToText } from "./boxes.js";
import { framed, hidePicture, showPicture } from "./picture.js";
import { hideStrip, labelStrip, showStrip } from "./strip.js";

const VIEW = "mineru.view";
const BESIDE = "mineru.beside";
const STRIP = "mineru.strip";
// More pages than this have a slider; for fewer it would be a dot that looks lost.
const SLIDES = 8;
const wide = matchMedia("(min-width: 1400px)");

let part = {};
let tabs = [];
let renderText = () => {};
let view = ["text", "raw", "json", "picture"].find((name) => name === remembered(VIEW)) ?? "text";
let beside = remembered(BESIDE) !== "off";
const NOTHING = { key: null, record: null, text: "", mark: null, marks: new Map() };
let shown = { ...NOTHING }; // what is on the desk
let turned = false; // to another page, so that it is read from its top
let loading = null; // AbortController

export function start(element, trigger) {
  preparePane(element);
  renderText = () => trigger("render_text");
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  tabs = [...element.querySelectorAll("[data-view]")];
  listen(element);
  translate(element);
  if (sheet.isReady()) begin();
  else on("sheet", begin);
}

function begin() {
  sheet.onPicked(picked);
  startAgain(part, sheet.sides(), renderText);
  new MutationObserver(relink).observe(document.getElementById("mo-text"), { childList: true, subtree: true });
  startPlace();
  open();
}

function listen(element) {
  for (const tab of tabs) tab.onclick = () => setView(tab.dataset.view);
  element.querySelector("[role=tablist]").onkeydown = walkTabs;
  part.beside.onclick = () => setBeside(!beside);
  part["strip-switch"].onclick = () => {
    remember(STRIP, strip() ? "off" : "on");
    draw();
  };
  startSearch(part);
  part.link.onclick = () => copy(addressOf(state.selected, state.page), part.link);
  part.copy.onclick = copyShown;
  part.download.onclick = () => openDownloads(part.download, task());
  part.close.onclick = () => select(null);
  part.previous.onclick = () => step(-1);
  part.next.onclick = () => step(1);
  part.slider.oninput = () => turnTo(pages()[Number(part.slider.value)]);
  part.number.onchange = () => go(Number(part.number.value));
  startKeys({ step, isOpen: () => Boolean(task()) });
  part.keys.onclick = showKeys;
  for (const room of [wide, framed]) room.addEventListener("change", draw);
  on("selected", open);
  on("page", load);
  on("connection", () => state.connection === "online" && !shown.record && load());
  on("gone", (id) => id === state.selected && select(null));
  on("task", ({ task: changed, before }) => changed.id === state.selected && follow(changed, before));
  on("language", () => {
    translate(element);
    labelBoxes();
    labelStrip();
    draw();
    note();
  });
}

// The texts for Gradio's Markdowns, which ask for them when `render_text` was triggered.
export const currentTexts = () => [shown.text, otherText()];

// Whether the strip of pages is wanted: where there is room, unless it was switched off.
const strip = () => framed.matches && (remembered(STRIP) ?? (wide.matches ? "on" : "off")) === "on";

const task = () => state.tasks.get(state.selected);
const pages = () => (task() ? pageNumbers(task()) : []);

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
  if (!sheet.isReady()) return;
  await load();
  if (id && !wide.matches && matchMedia("(max-width: 900px)").matches) {
    document.getElementById("mo-right").scrollIntoView({ block: "start" });
  }
}

function gone(error) {
  if (!sheet.isReady()) return;
  clear();
  const missing = error.code === "not_found";
  drawHead();
  sheet.showNote({
    icon: "failed",
    title: missing ? t("reader.gone") : explain(error),
    hint: missing ? t("reader.gone.hint") : "",
  });
}

function clear() {
  loading?.abort();
  shown = { ...NOTHING };
  sheet.showRecord(null);
  drawBoxes(null);
  linkText(shown.marks);
  renderText();
}

async function load() {
  if (!sheet.isReady()) return; // it loads by itself once the sheet is there
  const now = task();
  if (!now) {
    clear();
    draw();
    note();
    return;
  }
  const numbers = pages();
  if (!numbers.includes(state.page)) state.page = numbers[0] ?? null;
  const key = `${now.id} ${state.page}`;
  if (key !== shown.key) {
    clear();
    turned = true;
  }
  shown.key = key;
  draw();
  await fetchPage(now, key);
}

async function fetchPage(now, key) {
  loading?.abort();
  loading = new AbortController();
  let record = null;
  // before the first page is done there is nothing to ask for
  if (state.page && now.pages_done > 0) {
    try {
      record = await loadPage(now, state.page, loading.signal);
    } catch (error) {
      if (error.name !== "AbortError" && key === shown.key && !shown.record) note(error);
      return;
    }
  }
  if (key !== shown.key) return;
  place(record, now);
}

function place(record, now) {
  const changed = record?.markdown !== shown.record?.markdown;
  shown.record = record;
  drawBoxes(record);
  if (record && changed) {
    write(record, now.id);
    sheet.showRecord(record);
  }
  draw();
  note();
  if (turned) toTop();
  turned = false;
}

function write(record, id, linked = true) {
  const { text, cut, mark, marks } = prepare(record, id, linked);
  shown = { ...shown, text, mark, marks };
  part.banner.dataset.cut = String(cut);
  renderText();
}

// Gradio has written the text: now its pieces are known.
function relink() {
  if (!shown.record) return;
  // inside unclosed code a mark is text: better the plain text without links than marks that are read
  if (document.getElementById("mo-text").textContent.includes(shown.mark)) write(shown.record, state.selected, false);
  else {
    linkText(shown.marks);
    mark();
  }
}

// Somebody chose a box: its text is brought into view, and shown first where it is not.
function picked(id) {
  if (view === "picture" && !boxOf(id)) return;
  if (document.getElementById("mo-right").dataset.view !== "text") setView("text");
  scrollToText(id);
}

function toTop() {
  const [desk, text] = ["mo-desk", "mo-text"].map((id) => document.getElementById(id));
  text.scrollTo(0, 0);
  // on a phone it is the window that scrolls
  if (desk.getBoundingClientRect().top < 0) document.getElementById("mo-right").scrollIntoView();
}

// The task moved on: more pages may be there, and what was read from a part is now in the result.
function follow(now, before) {
  const ended = before && isActive(before) && !isActive(now);
  const restarted = before && !isActive(before) && isActive(now);
  const more = before?.pages_done !== now.pages_done || before?.pages_total !== now.pages_total;
  const replaced = before && before.redone !== now.redone;
  if (ended || restarted || replaced || (more && !shown.record)) load();
  else {
    draw();
    if (!shown.record) note();
  }
}

// ---- drawing

function draw() {
  if (!sheet.isReady()) return;
  drawHead();
  drawPager();
  const now = task();
  const pictured = Boolean(now && hasPictures(now) && state.page);
  const side = beside && wide.matches && pictured;
  const actual = view === "picture" && !pictured ? "text" : view;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.view === actual));
    tab.tabIndex = tab.dataset.view === actual ? 0 : -1;
    if (tab.dataset.view === "picture") show(tab, pictured);
  }
  show(part.beside, pictured && wide.matches);
  part.beside.setAttribute("aria-pressed", String(side));
  const many = pictured && pages().length > 1;
  show(part["strip-switch"], many && framed.matches);
  part["strip-switch"].setAttribute("aria-pressed", String(strip()));
  sheet.setView(now ? actual : "text", side && actual !== "picture", many && strip());
  if (many && strip()) showStrip(now, pages(), state.page);
  else hideStrip();
  if (pictured && (side || actual === "picture")) showPicture(now, state.page, shown.record);
  else hidePicture();
  drawAgain(now, state.page, now ? actual : "text");
  show(part.copy, Boolean(shown.record) && actual !== "picture");
  setLabel(part.copy, t(`reader.copy.${actual}`));
  setText(part.banner, t("reader.cut"));
  show(part.banner, actual === "text" && part.banner.dataset.cut === "true" && Boolean(shown.record));
}

function drawHead() {
  const now = task();
  setText(part.title, now ? now.name || t("row.others") : t("reader.title"));
  part.title.title = now?.name ?? "";
  show(part.tools, Boolean(state.selected));
  show(part.link, Boolean(now));
  show(part.bar, Boolean(now?.pages_total));
  show(part.download, Boolean(now && READABLE.has(now.status)));
  show(part.sub, Boolean(now));
  if (now) setText(part.sub, subtitle(now));
  if (now) part.sub.dataset.status = now.status;
}

function subtitle(now) {
  const counted = isActive(now) ? t("row.done", now.pages_done, now.pages_total) : t("row.pages", now.pages_total);
  const took = READABLE.has(now.status) && cost(now);
  const redone = now.redone && t("again.pages", now.redone);
  return join(t(`status.${now.status}`), now.pages_total > 0 && counted, now.tier !== "auto" && now.tier, redone, took);
}

function drawPager() {
  const numbers = pages();
  const at = numbers.indexOf(state.page);
  show(part.pager, numbers.length > 0);
  show(part.slider, numbers.length > SLIDES);
  if (document.activeElement !== part.number) part.number.value = state.page ?? "";
  const last = numbers.at(-1);
  const whole = last === numbers.length;
  setText(part.of, whole ? t("reader.of", last ?? 0) : t("reader.nth", at + 1, numbers.length));
  part.previous.disabled = at <= 0;
  part.next.disabled = at < 0 || at === numbers.length - 1;
  part.slider.max = String(Math.max(0, numbers.length - 1));
  part.slider.value = String(Math.max(0, at));
  part.slider.setAttribute("aria-valuetext", `${t("reader.page")} ${state.page ?? ""}`);
  part.slider.style.setProperty("--at", numbers.length > 1 ? `${(100 * Math.max(0, at)) / (numbers.length - 1)}%` : "0%");
}

// What stands in place of the text when there is none.
function note(problem = null) {
  if (!sheet.isReady()) return;
  const now = task();
  if (shown.record?.markdown.trim()) return sheet.hideNote();
  if (problem) return sheet.showNote({ icon: "failed", title: explain(problem) });
  if (!now) {
    if (!state.selected) sheet.showNote({ icon: "book", title: t("reader.none"), hint: t("reader.none.hint") });
    return;
  }
  sheet.showNote(shown.record ? { icon: "file", title: t("reader.empty"), hint: t("reader.empty.hint") } : absent(now));
}

// ---- turning pages

function step(by) {
  const numbers = pages();
  const next = numbers[numbers.indexOf(state.page) + by];
  if (next) turnTo(next);
}

// To that page, or to the nearest one there is.
function go(wanted) {
  const numbers = pages();
  if (Number.isFinite(wanted) && numbers.length) {
    turnTo(numbers.reduce((best, page) => (Math.abs(page - wanted) < Math.abs(best - wanted) ? page : best)));
  }
  part.number.value = state.page ?? "";
}

// ---- views

function setView(next) {
  view = next;
  remember(VIEW, next);
  draw();
}

function setBeside(next) {
  beside = next;
  remember(BESIDE, next ? null : "off");
  draw();
}

function copyShown() {
  const { view: now } = document.getElementById("mo-right").dataset;
  const [written] = document.querySelectorAll("#mo-text .prose");
  if (now === "json") copy(JSON.stringify(shown.record, null, 2), part.copy);
  else if (now === "raw" || !written) copy(shown.record.markdown, part.copy);
  else copy(written.innerText, part.copy, written.innerHTML);
}

function walkTabs(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const visible = tabs.filter((tab) => !tab.hidden);
  const next = visible.at((visible.indexOf(event.target.closest("[role=tab]")) + by) % visible.length);
  setView(next.dataset.view);
  next.focus();
}
