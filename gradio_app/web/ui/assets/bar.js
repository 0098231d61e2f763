// The bar at the top: state of the queue, language, colours, the signed-in user. Starts the polling.

import { startBell } from "./common/bell.js";
import { all, icon, setIcon, setLabel, setText, show } from "./common/dom.js";
import { estimate, join } from "./common/format.js";
import { startFrame } from "./common/frame.js";
import { emit, on, selectedTask, state } from "./common/hub.js";
import { explain, remember, remembered, setLanguage, t } from "./common/language.js";
import { select } from "./common/location.js";
import { attempt, notify } from "./common/notice.js";
import { framed, setList } from "./common/panes.js";
import { mineUnderWay, setQueue, startPolling } from "./common/poll.js";
import { codeOf, post } from "./common/server.js";
import { startChip } from "./engine/chip.js";

const THEME = "mineru.theme";
const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @type {Parts<"skip" | "skip-reader" | "add" | "dot" | "summary" | "pause" | "engine" | "overview" | "bell" | "user" | "leave" | "theme">} */
const part = Object.create(null);

export function start(/** @type {HTMLElement} */ element) {
  const buttons = all(element, "[data-language]");
  const redraw = () => draw(buttons);
  startFrame(element, part, redraw);
  for (const button of buttons) button.onclick = () => setLanguage(button.dataset.language === "zh" ? "zh" : "en");
  part.theme.onclick = () => setTheme(NEXT_THEME[theme()]);
  part.skip.onclick = skipToList;
  part["skip-reader"].onclick = () => /** @type {HTMLElement} */ (document.querySelector("#mo-reader [role=tab][tabindex='0']")).focus();
  on("selected", () => show(part["skip-reader"], Boolean(state.selected)));
  part.add.onclick = () => emit("open-intake");
  part.pause.onclick = togglePause;
  part.leave.onclick = signOut;
  part.overview.onclick = () => emit("open-overview");
  startChip(part.engine);
  startBell(part.bell);
  dark.addEventListener("change", applyTheme);
  on("queue", drawSummary);
  on("connection", drawSummary);
  for (const topic of /** @type {const} */ (["counts", "tasks", "selected", "gone"])) on(topic, drawTitle);
  applyTheme();
  redraw();
  startPolling();
}

function draw(/** @type {HTMLElement[]} */ languages) {
  for (const button of languages) {
    button.setAttribute("aria-pressed", String(button.dataset.language === state.language));
  }
  setIcon(part.overview, "chart");
  setLabel(part.overview, t("overview.title"));
  setIcon(part.leave, "leave");
  setLabel(part.leave, t("bar.leave"));
  drawTheme();
  drawSummary();
}

function skipToList() {
  if (framed.matches) setList(true);
  else select(null);
  emit("skip");
}

// ---- colours

// What was chosen here, else Gradio's ?__theme=dark in the address, else the system's.
function theme() {
  const asked = new URLSearchParams(location.search).get("__theme");
  const chosen = remembered(THEME) ?? asked;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

function setTheme(/** @type {string} */ next) {
  remember(THEME, next === "system" ? null : next);
  applyTheme();
  drawTheme();
}

function applyTheme() {
  const wanted = theme();
  document.body.classList.toggle("dark", wanted === "system" ? dark.matches : wanted === "dark");
}

function drawTheme() {
  setIcon(part.theme, theme());
  setLabel(part.theme, t(`bar.theme.${theme()}`));
}

// ---- the queue

/** Its kind and its text. @returns {[string, string]} */
function summary() {
  const { connection, queue } = state;
  if (connection === "offline") return ["bad", t("bar.offline")];
  if (connection === "signed-out") return ["bad", t("bar.signin")];
  if (!queue) return ["idle", t("bar.loading")];
  if (queue.notice) return ["bad", explain(queue.notice)];
  if (queue.status === "draining") return ["warn", t("bar.draining")];
  const count = (/** @type {Status[]} */ ...names) => names.reduce((sum, name) => sum + (queue.counts[name] ?? 0), 0);
  const [running, waiting] = [count("processing", "cancelling"), count("pending", "queued")];
  const paused = queue.status === "paused";
  const problems = queue.problems.length > 0 && t("bar.problems", queue.problems);
  if (!running && !waiting && !problems) return paused ? ["warn", t("bar.paused")] : ["idle", t("bar.idle")];
  const text = join(
    paused && t("bar.paused"),
    running > 0 && t("bar.running", running),
    waiting > 0 && t("bar.waiting", waiting),
    !paused && queue.eta_seconds > 0 && estimate(queue.eta_seconds),
    problems,
  );
  return [paused || problems ? "warn" : "busy", text];
}

// The open document, how far it is, and how many of mine are not done yet: to be seen from another tab.
function drawTitle() {
  const [mine, task] = [mineUnderWay(), selectedTask()];
  const running = task?.status === "processing" && task.pages_total > 0;
  const far = running ? `${Math.floor((100 * task.pages_done) / task.pages_total)} %` : "";
  const title = `${mine ? `(${mine}) ` : ""}${join(far, task?.name, "MinerU Optimized")}`;
  if (document.title !== title) document.title = title;
}

function drawSummary() {
  const [kind, text] = summary();
  part.dot.dataset.kind = kind;
  setText(part.summary, text);
  const paused = state.queue?.status === "paused";
  const user = state.queue?.user;
  show(part.pause, Boolean(user?.admin));
  if (user?.admin) drawPause(paused);
  for (const node of [part.user, part.leave]) show(node, Boolean(user && user.name !== "local"));
  if (user) {
    setText(part.user, user.name);
    part.user.title = `${t("bar.user")} ${user.name}`;
  }
}

function drawPause(/** @type {boolean} */ paused) {
  const label = t(paused ? "bar.resume" : "bar.pause");
  if (part.pause.dataset.label === label) return;
  part.pause.dataset.label = label;
  part.pause.classList.toggle("mo-strong", paused);
  setLabel(part.pause, label);
  part.pause.replaceChildren(icon(paused ? "play" : "pause"), ...(paused ? [t("bar.resume")] : []));
}

function togglePause() {
  const action = state.queue?.status === "paused" ? "resume" : "pause";
  return attempt(async () => setQueue(await post(`api/v1/queue/${action}`)));
}

// The page that comes then is the one to sign in.
async function signOut() {
  try {
    await post("logout");
  } catch (error) {
    if (codeOf(error) === "network") return notify(explain(error), "bad");
  }
  location.reload();
}
