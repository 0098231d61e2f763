// Bell: notices of the browser when my documents are done and the page is hidden. Switched on by hand only.

import { setIcon, setLabel, show } from "./dom.js";
import { isActive, now, on } from "./hub.js";
import { remember, remembered, t } from "./language.js";
import { notify } from "./notice.js";

const KEY = "mineru.bell";
const GATHER = 1500; // milliseconds: documents that end together share one notice

const bell = {
  hiddenSince: 0, // by the server's clock
  gathered: /** @type {Task[]} */ ([]),
  timer: /** @type {number | null} */ (null),
};

// browsers of phones have no notices of a page that has gone to the background
const possible = () => "Notification" in window && window.isSecureContext && !matchMedia("(pointer: coarse)").matches;
const isOn = () => possible() && Notification.permission === "granted" && remembered(KEY) === "on";

export function startBell(/** @type {HTMLElement} */ button) {
  const draw = () => {
    setIcon(button, isOn() ? "bell" : "belloff");
    setLabel(button, t(isOn() ? "bell.on" : "bell.off"));
    button.setAttribute("aria-pressed", String(isOn()));
  };
  show(button, possible());
  button.onclick = () => toggle().then(draw);
  on("language", draw);
  on("task", gather);
  document.addEventListener("visibilitychange", () => {
    bell.hiddenSince = now();
    if (!document.hidden) bell.gathered = [];
  });
  draw();
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
}

function gather(/** @type {TaskChange} */ { task, before }) {
  if (!document.hidden || !isOn() || !task.mine || task.redo_of || isActive(task) || task.status === "cancelled") return;
  // how a task was before is unknown when no row shows it
  if (before ? !isActive(before) : (task.finished_at ?? 0) < bell.hiddenSince) return;
  bell.gathered.push(task);
  bell.timer ??= setTimeout(ring, GATHER);
}

function ring() {
  bell.timer = null;
  const failed = bell.gathered.filter(({ status }) => status === "failed").length;
  const [first, ...others] = bell.gathered;
  bell.gathered = [];
  if (!first) return;
  const one = t(failed ? "bell.one.failed" : "bell.one.done", first.name);
  const text = others.length ? t("bell.many", others.length + 1 - failed, failed) : one;
  const notice = new Notification("MinerU Optimized", { body: text, tag: "mineru-done" });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}
