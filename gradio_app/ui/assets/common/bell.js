// Tells with a notice of the browser when my documents are done while nobody looks at the page. Asked for, never unasked.

import { setIcon, setLabel, show } from "./dom.js";
import { isActive, now, on } from "./hub.js";
import { remember, remembered, t } from "./language.js";
import { notify } from "./notice.js";

const KEY = "mineru.bell";
const GATHER = 1500; // milliseconds: what ends together is told together

let button = null;
let since = 0; // when the page was left, by the server's clock
let gathered = []; // tasks
let timer = null;

// browsers of phones have no notices of a page that has gone to the background
const possible = () => "Notification" in window && window.isSecureContext && !matchMedia("(pointer: coarse)").matches;
const isOn = () => possible() && Notification.permission === "granted" && remembered(KEY) === "on";

export function startBell(node) {
  button = node;
  show(button, possible());
  button.onclick = toggle;
  on("language", draw);
  on("task", ended);
  document.addEventListener("visibilitychange", () => {
    since = now();
    if (!document.hidden) gathered = [];
  });
  draw();
}

function draw() {
  setIcon(button, isOn() ? "bell" : "belloff");
  setLabel(button, t(isOn() ? "bell.on" : "bell.off"));
  button.setAttribute("aria-pressed", String(isOn()));
}

async function toggle() {
  if (isOn()) {
    remember(KEY, null);
  } else if ((await Notification.requestPermission()) === "granted") {
    remember(KEY, "on");
    notify(t("bell.told"));
  } else {
    notify(t("bell.denied"), "bad");
  }
  draw();
}

function ended({ task, before }) {
  if (!document.hidden || !isOn() || !task.mine || task.redo_of || isActive(task) || task.status === "cancelled") return;
  // of one that no row shows it is not known how it was before
  if (before ? !isActive(before) : task.finished_at < since) return;
  gathered.push(task);
  timer ??= setTimeout(tellThem, GATHER);
}

function tellThem() {
  timer = null;
  const failed = gathered.filter(({ status }) => status === "failed").length;
  const [first, ...others] = gathered;
  gathered = [];
  if (!first) return;
  const one = t(failed ? "bell.one.failed" : "bell.one.done", first.name);
  const text = others.length ? t("bell.many", others.length + 1 - failed, failed) : one;
  const notice = new Notification("MinerU Optimized", { body: text, tag: "mineru-done" });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}
