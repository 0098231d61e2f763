// The bar at the top: what the whole queue does, language, colours, who is signed in.

import { icon, preparePane, setIcon, setLabel, setText, show } from "./common/dom.js";
import { startBell } from "./common/bell.js";
import { startChip } from "./engine/chip.js";
import { estimate, join } from "./common/format.js";
import { on, state, tell } from "./common/hub.js";
import { explain, language, remember, remembered, setLanguage, t, translate } from "./common/language.js";
import { notify } from "./common/notice.js";
import { mineUnderWay, setQueue, startPolling } from "./common/poll.js";
import { post } from "./common/server.js";

const THEME = "mineru.theme";
const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
const dark = matchMedia("(prefers-color-scheme: dark)");

let part = {};
let dot;

export function start(element) {
  preparePane(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  dot = element.querySelector(".mo-dot");
  for (const button of element.querySelectorAll("[data-language]")) {
    button.onclick = () => setLanguage(button.dataset.language);
  }
  part.theme.onclick = () => setTheme(NEXT_THEME[theme()]);
  part.pause.onclick = togglePause;
  part.leave.onclick = signOut;
  part.overview.onclick = () => tell("open-overview");
  startChip(part.engine);
  startBell(part.bell);
  dark.addEventListener("change", applyTheme);
  on("language", () => draw(element));
  for (const topic of ["queue", "connection"]) on(topic, drawSummary);
  on("counts", drawTitle);
  applyTheme();
  draw(element);
  startPolling();
}

function draw(element) {
  translate(element);
  for (const button of element.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  }
  setIcon(part.overview, "chart");
  setLabel(part.overview, t("overview.title"));
  setIcon(part.leave, "leave");
  setLabel(part.leave, t("bar.leave"));
  drawTheme();
  drawSummary();
}

// ---- colours

// What was chosen here, else Gradio's ?__theme=dark in the address, else the system's.
function theme() {
  const asked = new URLSearchParams(location.search).get("__theme");
  const kept = remembered(THEME) ?? asked;
  return kept === "light" || kept === "dark" ? kept : "system";
}

function setTheme(next) {
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

function summary() {
  const { connection, queue } = state;
  if (connection === "offline") return ["bad", t("bar.offline")];
  if (connection === "signed-out") return ["bad", t("bar.signin")];
  if (!queue) return ["idle", t("bar.loading")];
  if (queue.notice) return ["bad", explain(queue.notice)];
  if (queue.status === "draining") return ["warn", t("bar.draining")];
  const count = (...names) => names.reduce((sum, name) => sum + (queue.counts[name] ?? 0), 0);
  const [running, waiting] = [count("processing", "cancelling"), count("pending", "queued")];
  const paused = queue.status === "paused";
  if (!running && !waiting) return paused ? ["warn", t("bar.paused")] : ["idle", t("bar.idle")];
  const text = join(
    paused && t("bar.paused"),
    running > 0 && t("bar.running", running),
    waiting > 0 && t("bar.waiting", waiting),
    !paused && queue.eta_seconds > 0 && estimate(queue.eta_seconds),
  );
  return [paused ? "warn" : "busy", text];
}

// How many of my documents are not done yet, for who looks at another tab.
function drawTitle() {
  const mine = mineUnderWay();
  const title = mine ? `(${mine}) MinerU Optimized` : "MinerU Optimized";
  if (document.title !== title) document.title = title;
}

function drawSummary() {
  const [kind, text] = summary();
  dot.dataset.kind = kind;
  setText(part.summary, text);
  const paused = state.queue?.status === "paused";
  const user = state.queue?.user;
  show(part.pause, Boolean(user?.admin));
  if (user?.admin) drawPause(paused);
  for (const node of [part.user, part.leave]) show(node, Boolean(user) && user.name !== "local");
  if (user) {
    setText(part.user, user.name);
    part.user.title = `${t("bar.user")} ${user.name}`;
  }
}

function drawPause(paused) {
  const label = t(paused ? "bar.resume" : "bar.pause");
  if (part.pause.dataset.label === label) return;
  part.pause.dataset.label = label;
  part.pause.classList.toggle("mo-strong", paused);
  setLabel(part.pause, label);
  part.pause.replaceChildren(icon(paused ? "play" : "pause"), ...(paused ? [t("bar.resume")] : []));
}

async function togglePause() {
  try {
    setQueue(await post(`api/v1/queue/${state.queue.status === "paused" ? "resume" : "pause"}`));
  } catch (error) {
    notify(explain(error), "bad");
  }
}

// The page that comes then is the one to sign in.
async function signOut() {
  try {
    await post("logout");
  } catch (error) {
    if (error.code === "network") return notify(explain(error), "bad");
  }
  location.reload();
}
