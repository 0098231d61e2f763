// Intake of documents: dropping anywhere, choosing, pasting; and the options that go with them.

import { closest, el, named, setText, show } from "../common/dom.js";
import { startFrame } from "../common/frame.js";
import { canRun, emit, on, otherReader } from "../common/hub.js";
import { t, translate } from "../common/language.js";
import { notify } from "../common/notice.js";
import { chosen, dropped, fromFolder } from "./collect.js";
import { pane } from "./state.js";
import { upload } from "./upload.js";

const { part, options } = pane;

// The form of a page range, as the server checks it.
const RANGE = /^(all|r?[1-9]\d{0,8}(-r?[1-9]\d{0,8})?(,r?[1-9]\d{0,8}(-r?[1-9]\d{0,8})?)*)?$/;

export function start(/** @type {HTMLElement} */ element) {
  const title = /** @type {HTMLElement} */ (element.querySelector("[data-part=title]"));
  // fingers do not drop
  if (matchMedia("(pointer: coarse)").matches) title.dataset.t = "intake.title.touch";
  startFrame(element, part, draw);
  Object.assign(options, named(element, "option"));
  document.body.append(part.curtain); // over the whole page
  part.files.onclick = () => part["pick-files"].click();
  part.folder.onclick = () => part["pick-folder"].click();
  part.example.onclick = tryExample;
  part["pick-files"].onchange = () => takeFrom(part["pick-files"], chosen);
  part["pick-folder"].onchange = () => takeFrom(part["pick-folder"], fromFolder);
  options.page_range.oninput = checkPages;
  part.use.onclick = () => (checkPages() ? emit("open-code", chosenOptions()) : options.page_range.focus());
  listen();
  on("engine", hintTier);
  startAdding();
  draw();
}

// Once there are documents, the pane is a small window at the button "Add".
function startAdding() {
  const button = /** @type {HTMLElement} */ (document.getElementById("mo-add"));
  const pane = /** @type {HTMLElement} */ (document.getElementById("mo-intake"));
  on("open-intake", () => setAdding(!isAdding()));
  document.addEventListener("keydown", (event) => event.key === "Escape" && closest(event, "#mo-intake, #mo-add") && setAdding(false));
  document.addEventListener("pointerdown", ({ target }) => {
    // a dialog was opened from here, and comes back to here
    const inside = target instanceof Node && [pane, button, ...document.querySelectorAll("dialog")].some((node) => node.contains(target));
    if (!inside) setAdding(false);
  });
}

const isAdding = () => document.body.classList.contains("mo-adding");

function setAdding(/** @type {boolean} */ open) {
  if (open === isAdding()) return;
  const button = /** @type {HTMLElement} */ (document.getElementById("mo-add"));
  const inside = document.getElementById("mo-intake")?.contains(document.activeElement);
  document.body.classList.toggle("mo-adding", open);
  button.setAttribute("aria-expanded", String(open));
  if (open) part.files.focus();
  else if (inside) button.focus();
}

function draw() {
  translate(part.curtain);
  checkPages();
  hintTier();
}

// Two of the tiers need the engine, which may serve another reader instead: only what can run is offered.
function hintTier() {
  const reader = otherReader();
  for (const option of [...options.tier.options]) if (!option.dataset.t && option.value !== reader) option.remove();
  if (reader && options.tier.options[options.tier.options.length - 1].value !== reader) {
    options.tier.append(el("option", { value: reader }, reader));
  }
  for (const option of options.tier.options) {
    if (!option.dataset.t) continue;
    const text = t(option.dataset.t ?? "");
    option.disabled = !canRun(option.value);
    const lack = reader ? "intake.tier.other" : "intake.tier.missing";
    setText(option, option.disabled ? t(lack, text, reader) : text);
  }
  if (!canRun(options.tier.value)) options.tier.value = "auto";
}

// ---- dropping and pasting, anywhere on the page

function listen() {
  window.addEventListener("dragenter", (event) => hasFiles(event) && enter(event, 1));
  window.addEventListener("dragleave", (event) => hasFiles(event) && enter(event, -1));
  window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  window.addEventListener("drop", drop);
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    // text that is pasted into a field may come with a picture of itself
    const typed = closest(event, "input, textarea") && event.clipboardData?.types.includes("text/plain");
    if (!files?.length || typed) return;
    event.preventDefault();
    take(chosen(files));
  });
}

const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");

function enter(/** @type {DragEvent} */ event, /** @type {number} */ change) {
  event.preventDefault();
  pane.depth = Math.max(0, pane.depth + change);
  part.curtain.hidden = pane.depth === 0;
}

async function drop(/** @type {DragEvent} */ event) {
  if (!event.dataTransfer || !hasFiles(event)) return;
  event.preventDefault();
  pane.depth = 0;
  part.curtain.hidden = true;
  take(await dropped(event.dataTransfer));
}

// ---- taking them

// A page of text and a scanned one, for whoever has no document at hand.
async function tryExample() {
  const answer = await fetch(new URL("example.pdf", import.meta.url)).catch(() => null);
  if (!answer?.ok) return notify(t("upload.network"), "bad");
  const file = new File([await answer.blob()], t("intake.example.name"), { type: "application/pdf" });
  take({ files: [{ file, path: file.name }], skipped: 0 });
}

/** @param {HTMLInputElement} input @param {(files: FileList) => Collected} collect */
function takeFrom(input, collect) {
  if (!input.files) return;
  const collected = collect(input.files);
  input.value = ""; // the same file can be chosen again
  take(collected);
}

function take(/** @type {Collected} */ { files, skipped }) {
  if (!checkPages()) {
    setAdding(true);
    options.page_range.focus();
    notify(t("intake.fix"), "bad");
    return;
  }
  setAdding(false);
  if (skipped) notify(t("intake.skipped", skipped));
  else if (!files.length) notify(t("intake.none"));
  upload(files, chosenOptions());
}

const chosenOptions = () => Object.fromEntries(Object.entries(options).map(([name, node]) => [name, node.value.replace(/\s/g, "")]));

function checkPages() {
  const text = options.page_range.value.replace(/\s/g, "").toLowerCase();
  const good = RANGE.test(text);
  options.page_range.setAttribute("aria-invalid", String(!good));
  options.page_range.title = t("intake.pages.help");
  setText(part.note, t(good ? "intake.pages.help" : "intake.pages.bad"));
  show(part.note, !good);
  return good;
}
