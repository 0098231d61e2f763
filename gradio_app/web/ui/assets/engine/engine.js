// Engine panel: state of the engine, its cards, the last hour, and giving the memory back.

import { all, el, fillPairs, setText, show } from "../common/dom.js";
import { join } from "../common/format.js";
import { startFrame } from "../common/frame.js";
import { now, on, state } from "../common/hub.js";
import { locale, t } from "../common/language.js";
import { attempt, notify } from "../common/notice.js";
import { startPanel } from "../common/panel.js";
import { loadGpu, pollNow, putGpu, setQueue } from "../common/poll.js";
import { post } from "../common/server.js";
import { drawCards } from "./cards.js";
import { makePlot } from "./plot.js";
import { drawServers } from "./servers.js";
import { pane } from "./state.js";
import { addressIn, chosenCards, condition, failure, meaning, title } from "./words.js";

const { part } = pane;

// How often the server is asked: while the panel is open, and for the chip in the bar (milliseconds).
const OPEN = 2000;
const CLOSED = 30000;
const COUNTS = /** @type {const} */ (["starts", "sleeps", "wakes", "stops", "crashes"]);

export function start(/** @type {HTMLElement} */ element) {
  startFrame(element, part, draw);
  pane.buttons = all(element, "[data-wish]");
  pane.plot = makePlot();
  part.plot.append(pane.plot.node);
  startPanel(part, "open-engine", OPEN, () => {
    draw();
    return refresh();
  });
  part.pause.onclick = pause;
  for (const button of pane.buttons) button.onclick = () => ask(button);
  on("engine", () => {
    if (state.engine?.status !== pane.askedStatus) refresh();
    finishWish();
    draw();
  });
  on("gpu", draw);
  on("queue", draw);
  on("connection", draw);
  on("tick", () => {
    if (part.dialog.open) drawMeaning();
    else if (Date.now() - pane.askedAt > CLOSED) refresh();
  });
}

// The bar shows the card's memory too: it is asked for when the engine's state changes, and now and then.
async function refresh() {
  if (pane.asking || (state.engine?.kind !== "sglang" && !part.dialog.open)) return;
  pane.asking = true;
  pane.askedAt = Date.now();
  pane.askedStatus = state.engine?.status;
  try {
    await loadGpu();
    pane.askedStatus = state.engine?.status;
  } catch {
    // the bar says that there is no connection; asking goes on
  }
  pane.asking = false;
}

// ---- giving the memory back

async function ask(/** @type {HTMLElement} */ button) {
  const { wish: name = "" } = button.dataset;
  const { engine } = state;
  if (!engine || button.getAttribute("aria-disabled") === "true") return;
  const servers = (engine.servers ?? []).filter((server) => server.can[name]);
  pane.wish = { name, enough: ends(engine) + Math.max(1, servers.length) };
  draw();
  // when it takes longer, the answer comes first and the memory later: finishWish() sees it
  if (await attempt(async () => putGpu(await post(`gpu/${name}`)))) return;
  pane.wish = null;
  draw();
}

/** How often it gave memory back: it may be awake again before anybody sees it. @param {Engine} engine */
const ends = ({ counts }) => (counts?.sleeps ?? 0) + (counts?.stops ?? 0);

function finishWish() {
  const { engine } = state;
  const { wish } = pane;
  if (!wish || !engine?.counts) return;
  const rests = engine.status === "stopped" || (engine.status === "asleep" && wish.name === "offload");
  if (!rests && engine.status !== "failed" && ends(engine) < wish.enough) return;
  if (wish.name === "release" && engine.status === "asleep") return; // half of the way
  if (engine.status !== "failed") notify(t(wish.name === "release" ? "engine.done.stopped" : "engine.done.asleep"));
  pane.wish = null;
  pollNow();
}

const pause = () =>
  attempt(async () => {
    setQueue(await post("api/v1/queue/pause"));
    pane.buttons[0].focus();
  });

// ---- drawing

function draw() {
  const { engine, gpu } = state;
  if (!part.dialog.open || !engine) return;
  part.now.dataset.engine = condition(engine);
  setText(part.state, title(engine));
  drawMeaning();
  drawFailure(engine);
  drawActions(engine);
  const cards = gpu?.cards ?? [];
  show(part["servers-section"], drawServers(part.servers, engine.servers ?? [], cards));
  show(part["cards-section"], cards.length > 0);
  setText(part["cards-title"], t("engine.card.title", cards.length > 1));
  drawCards(part.cards, cards);
  drawPlot();
  drawWork(engine);
  drawSetup(engine);
}

function drawMeaning() {
  if (!state.engine) return;
  const offline = state.connection === "offline";
  // what was asked for waits for what runs: the state says so only when that is done
  const words = pane.wish ? t("engine.draining", state.engine.in_flight) : meaning(state.engine);
  setText(part.meaning, offline ? t("bar.offline") : words);
}

function drawFailure(/** @type {Engine} */ engine) {
  const found = engine.kind === "none" || engine.status === "failed" ? failure(engine) : null;
  show(part.trouble, Boolean(found));
  part.trouble.classList.toggle("mo-engine-quiet", engine.kind === "none");
  if (found) setText(part.trouble, found.text);
  if (found?.original) {
    const original = el("span", { lang: "en" }, found.original);
    part.trouble.append(el("small", {}, t("engine.original"), " ", original));
  }
  show(part.notice, Boolean(engine.notice));
  setText(part.notice, engine.notice ?? "");
  const url = engine.kind === "remote" ? addressIn(engine) : "";
  show(part.address, Boolean(url));
  setText(part.url, url);
}

function drawActions(/** @type {Engine} */ engine) {
  const admin = Boolean(state.queue?.user.admin);
  const paused = state.queue?.status === "paused";
  show(part.actions, admin && engine.kind === "sglang" && Boolean(engine.can));
  setText(part.hint, t(paused ? "engine.hint.paused" : "engine.hint"));
  show(part.pause, !paused);
  for (const button of pane.buttons) {
    const { wish: name = "" } = button.dataset;
    // not "disabled": that would take the focus away under somebody's finger
    button.setAttribute("aria-disabled", String(Boolean(pane.wish) || !engine.can?.[name]));
    button.setAttribute("aria-busy", String(pane.wish?.name === name));
  }
}

function drawPlot() {
  const { engine, gpu } = state;
  const card = chosenCards();
  const known = Boolean(card && gpu?.history.some(([, used]) => used !== null));
  show(part["plot-section"], known);
  if (!known || !card || !gpu || !engine) return;
  const at = now() - (Date.now() - gpu.seen) / 1000;
  pane.plot?.update([...gpu.history, [at, card.used, card.load, engine.status]], card.total, at);
}

function drawWork(/** @type {Engine} */ { kind, counts, tokens, in_flight: reading, waiting }) {
  const worked = kind !== "none" && counts !== undefined;
  show(part["work-section"], worked);
  if (!worked) return;
  fillPairs(part.figures, [
    [t("engine.work.reading"), String(reading)],
    [t("engine.work.waiting"), String(waiting)],
    [t("engine.work.tokens"), new Intl.NumberFormat(locale()).format(tokens ?? 0)],
  ]);
  show(part.counts, kind === "sglang");
  setText(part.counts, kind === "sglang" ? join(...COUNTS.map((name) => t(`engine.count.${name}`, counts[name]))) : "");
}

function drawSetup(/** @type {Engine} */ engine) {
  /** @type {[string, string | undefined][]} */
  const known = [
    [t("engine.model"), engine.model],
    [t("engine.version"), engine.version],
    [t("engine.profile"), engine.profile],
  ];
  const facts = known.flatMap(([name, value]) => (value ? [/** @type {[string, string]} */ ([name, value])] : []));
  show(part["setup-section"], engine.kind !== "none" && facts.length > 0);
  fillPairs(part.facts, facts);
  const why = engine.kind === "sglang" ? (engine.why ?? []) : [];
  if (part.why.textContent !== why.join("")) part.why.replaceChildren(...why.map((text) => el("li", {}, text)));
}
