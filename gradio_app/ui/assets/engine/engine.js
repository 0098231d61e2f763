// The panel about the engine: its state, the cards, the last hour, and giving the memory back.

import { drawCards } from "./cards.js";
import { el, preparePane, setText, show } from "../common/dom.js";
import { address, chosenCards, condition, meaning, title, trouble } from "./words.js";
import { join } from "../common/format.js";
import { now, on, state } from "../common/hub.js";
import { explain, locale, t, translate } from "../common/language.js";
import { hostNotices, notify } from "../common/notice.js";
import { makePlot } from "./plot.js";
import { loadGpu, pollNow, putGpu, setQueue } from "../common/poll.js";
import { post } from "../common/server.js";
import { drawServers } from "./servers.js";

// How often the server is asked: while the panel is open, and for the chip in the bar (milliseconds).
const OPEN = 2000;
const CLOSED = 30000;
const COUNTS = ["starts", "sleeps", "wakes", "stops", "crashes"];

let part = {};
let buttons = [];
let plot = null;
let timer = null;
let asking = false;
let asked = { at: 0, status: "" };
let wish = null; // what was asked for and is not done yet: { name, enough }

export function start(element) {
  preparePane(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  buttons = [...element.querySelectorAll("[data-wish]")];
  plot = makePlot();
  part.plot.append(plot.node);
  listen(element);
  translate(element);
}

function listen(element) {
  part.close.onclick = () => part.dialog.close();
  part.dialog.onclick = (event) => event.target === part.dialog && part.dialog.close(); // beside it
  part.dialog.onclose = closed;
  part.pause.onclick = pause;
  for (const button of buttons) button.onclick = () => ask(button);
  on("open-engine", open);
  on("engine", () => {
    if (state.engine.status !== asked.status) refresh();
    settle();
    draw();
  });
  for (const topic of ["gpu", "queue", "connection"]) on(topic, draw);
  on("tick", tick);
  on("language", () => {
    translate(element);
    draw();
  });
  document.addEventListener("visibilitychange", () => document.hidden || (part.dialog.open && poll()));
}

// ---- opening and closing

function open() {
  if (part.dialog.open) return;
  part.dialog.showModal();
  part.body.scrollTop = 0;
  hostNotices(part.dialog);
  draw();
  poll();
}

function closed() {
  clearTimeout(timer);
  hostNotices(document.body);
}

// ---- asking

async function poll() {
  clearTimeout(timer);
  await refresh();
  if (part.dialog.open && !document.hidden) timer = setTimeout(poll, OPEN);
}

// The bar shows the card's memory too: it is asked for when the engine's state changes, and now and then.
async function refresh() {
  if (asking || (state.engine?.kind !== "sglang" && !part.dialog.open)) return;
  asking = true;
  asked = { at: Date.now(), status: state.engine?.status };
  try {
    await loadGpu();
    asked.status = state.engine.status;
  } catch {
    // the bar says that there is no connection; asking goes on
  }
  asking = false;
}

function tick() {
  if (part.dialog.open) drawMeaning();
  else if (Date.now() - asked.at > CLOSED) refresh();
}

// ---- giving the memory back

async function ask(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const { wish: name } = button.dataset;
  const servers = (state.engine.servers ?? []).filter((server) => server.can[name]);
  wish = { name, enough: ended(state.engine) + Math.max(1, servers.length) };
  draw();
  try {
    // when it takes longer, the answer comes first and the memory later: settle() sees it
    putGpu(await post(`gpu/${wish.name}`));
  } catch (error) {
    wish = null;
    notify(explain(error), "bad");
    draw();
  }
}

// How often it gave memory back: it may be awake again before anybody looks.
const ended = (engine) => (engine.counts?.sleeps ?? 0) + (engine.counts?.stops ?? 0);

function settle() {
  const { engine } = state;
  if (!wish || !engine.counts) return;
  const rests = engine.status === "stopped" || (engine.status === "asleep" && wish.name === "offload");
  if (!rests && engine.status !== "failed" && ended(engine) < wish.enough) return;
  if (wish.name === "release" && engine.status === "asleep") return; // half of the way
  if (engine.status !== "failed") notify(t(wish.name === "release" ? "engine.done.stopped" : "engine.done.asleep"));
  wish = null;
  pollNow();
}

async function pause() {
  try {
    setQueue(await post("api/v1/queue/pause"));
    buttons[0].focus();
  } catch (error) {
    notify(explain(error), "bad");
  }
}

// ---- drawing

function draw() {
  const { engine, gpu } = state;
  if (!part.dialog.open || !engine) return;
  part.now.dataset.engine = condition(engine);
  setText(part.state, title(engine));
  drawMeaning();
  drawTrouble(engine);
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
  const words = wish ? t("engine.draining", state.engine.in_flight) : meaning(state.engine);
  setText(part.meaning, offline ? t("bar.offline") : words);
}

function drawTrouble(engine) {
  const found = engine.kind === "none" || engine.status === "failed" ? trouble(engine) : null;
  show(part.trouble, Boolean(found));
  part.trouble.classList.toggle("mo-engine-quiet", engine.kind === "none");
  if (found) setText(part.trouble, found.text);
  if (found?.original) part.trouble.append(el("small", {}, t("engine.original"), " ", el("span", { lang: "en" }, found.original)));
  show(part.notice, Boolean(engine.notice));
  setText(part.notice, engine.notice ?? "");
  const url = engine.kind === "remote" ? address(engine) : "";
  show(part.address, Boolean(url));
  setText(part.url, url);
}

function drawActions(engine) {
  const admin = Boolean(state.queue?.user.admin);
  const paused = state.queue?.status === "paused";
  show(part.actions, admin && engine.kind === "sglang" && Boolean(engine.can));
  setText(part.hint, t(paused ? "engine.hint.paused" : "engine.hint"));
  show(part.pause, !paused);
  for (const button of buttons) {
    const { wish: name } = button.dataset;
    // not "disabled": that would take the focus away under somebody's finger
    button.setAttribute("aria-disabled", String(Boolean(wish) || !engine.can?.[name]));
    button.setAttribute("aria-busy", String(wish?.name === name));
  }
}

function drawPlot() {
  const { engine, gpu } = state;
  const card = chosenCards();
  const known = Boolean(card) && gpu.history.some(([, used]) => used !== null);
  show(part["plot-section"], known);
  if (!known) return;
  const at = now() - (Date.now() - gpu.seen) / 1000;
  plot.update([...gpu.history, [at, card.used, card.load, engine.status]], card.total, at);
}

function drawWork(engine) {
  const worked = engine.kind !== "none" && Boolean(engine.counts);
  show(part["work-section"], worked);
  if (!worked) return;
  const tokens = new Intl.NumberFormat(locale()).format(engine.tokens);
  const figures = [["reading", engine.in_flight], ["waiting", engine.waiting], ["tokens", tokens]];
  fill(part.figures, figures.map(([name, value]) => [t(`engine.work.${name}`), String(value)]));
  const counts = engine.kind === "remote" ? [] : COUNTS.map((name) => t(`engine.count.${name}`, engine.counts[name]));
  show(part.counts, counts.length > 0);
  setText(part.counts, join(...counts));
}

function drawSetup(engine) {
  const facts = [
    [t("engine.model"), engine.model],
    [t("engine.version"), engine.version],
    [t("engine.profile"), engine.profile],
  ].filter(([, value]) => value);
  show(part["setup-section"], engine.kind !== "none" && facts.length > 0);
  fill(part.facts, facts);
  const why = engine.kind === "sglang" ? (engine.why ?? []) : [];
  if (part.why.textContent !== why.join("")) part.why.replaceChildren(...why.map((text) => el("li", {}, text)));
}

// Pairs of words and values; nodes that are right are not touched.
function fill(list, pairs) {
  const words = pairs.flat().join("\n");
  if (list.dataset.words === words) return;
  list.dataset.words = words;
  list.replaceChildren(...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}
