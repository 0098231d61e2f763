// Takes documents in: dropping anywhere, choosing, pasting; and the options that go with them.

import { chosen, dropped, fromFolder } from "./collect.js";
import { el, icon, preparePane, setText, show } from "../common/dom.js";
import { on, state } from "../common/hub.js";
import { t, translate } from "../common/language.js";
import { notify } from "../common/notice.js";
import { upload } from "./upload.js";

// The form of a page range, as the server checks it.
const RANGE = /^(all|r?[1-9]\d{0,8}(-r?[1-9]\d{0,8})?(,r?[1-9]\d{0,8}(-r?[1-9]\d{0,8})?)*)?$/;
// Tiers that are read with the vision model.
const VISION = ["standard", "advanced"];

let part = {};
let options = {};
let curtain;
let depth = 0; // of elements that the drag has entered and not left

export function start(element) {
  preparePane(element);
  const named = (attribute) =>
    Object.fromEntries([...element.querySelectorAll(`[data-${attribute}]`)].map((node) => [node.dataset[attribute], node]));
  part = named("part");
  options = named("option");
  part.files.onclick = () => part["pick-files"].click();
  part.folder.onclick = () => part["pick-folder"].click();
  part["pick-files"].onchange = (event) => take(chosen(event.target.files), event.target);
  part["pick-folder"].onchange = (event) => take(fromFolder(event.target.files), event.target);
  options.page_range.oninput = checkPages;
  options.tier.onchange = hintTier;
  curtain = makeCurtain();
  // fingers do not drop
  if (matchMedia("(pointer: coarse)").matches) part.title.dataset.t = "intake.title.touch";
  listen();
  on("language", () => draw(element));
  on("engine", hintTier);
  draw(element);
}

function draw(element) {
  translate(element);
  translate(curtain);
  checkPages();
  hintTier();
}

// Two of the tiers need the engine: it is said before a document fails for want of it.
function hintTier() {
  const missing = state.engine?.kind === "none";
  for (const tier of VISION) {
    const option = options.tier.querySelector(`[value=${tier}]`);
    setText(option, missing ? t("intake.tier.missing", t(option.dataset.t)) : t(option.dataset.t));
  }
  show(part["tier-note"], missing && VISION.includes(options.tier.value));
}

function makeCurtain() {
  const words = el("div", {}, icon("upload"), el("strong", { "data-t": "intake.drop" }), el("span", { "data-t": "intake.drop.hint" }));
  const node = el("div", { class: "mo-curtain", hidden: true }, words);
  document.body.append(node);
  return node;
}

// ---- dropping and pasting, anywhere on the page

function listen() {
  window.addEventListener("dragenter", (event) => hasFiles(event) && enter(event, 1));
  window.addEventListener("dragleave", (event) => hasFiles(event) && enter(event, -1));
  window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  window.addEventListener("drop", drop);
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    // text that is pasted into a field may come with a picture of itself
    const typed = event.target.closest?.("input, textarea") && event.clipboardData?.types.includes("text/plain");
    if (!files.length || typed) return;
    event.preventDefault();
    take(chosen(files));
  });
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

function enter(event, change) {
  event.preventDefault();
  depth = Math.max(0, depth + change);
  curtain.hidden = depth === 0;
}

async function drop(event) {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  curtain.hidden = true;
  take(await dropped(event.dataTransfer));
}

// ---- taking them

function take({ files, skipped }, input = null) {
  const wanted = [...files];
  if (input) input.value = ""; // the same file can be chosen again
  if (!checkPages()) {
    options.page_range.focus();
    notify(t("intake.fix"), "bad");
    return;
  }
  if (skipped) notify(t("intake.skipped", skipped));
  else if (!wanted.length) notify(t("intake.none"));
  upload(wanted, Object.fromEntries(Object.entries(options).map(([name, node]) => [name, node.value.trim()])));
}

function checkPages() {
  const text = options.page_range.value.replace(/\s/g, "").toLowerCase();
  const good = RANGE.test(text);
  options.page_range.setAttribute("aria-invalid", String(!good));
  options.page_range.title = t("intake.pages.help");
  setText(part.note, t(good ? "intake.pages.help" : "intake.pages.bad"));
  show(part.note, !good);
  return good;
}
