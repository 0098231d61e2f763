// The overview: what was done in the last day or the last thirty, by tier and outcome, what the engine did,
// and the machines of a cluster.

import { makeBars, roundTime } from "./bars.js";
import { el, preparePane, setText, show } from "../common/dom.js";
import { duration, gigabytes } from "../common/format.js";
import { now, on } from "../common/hub.js";
import { explain, locale, remember, remembered, t, translate } from "../common/language.js";
import { drawMachines } from "./machines.js";
import { hostNotices } from "../common/notice.js";
import { call } from "../common/server.js";

const SPAN = "mineru.overview";
const HOURS = 24;
const DAYS = 30;
// How often the server is asked while the panel is open, in milliseconds.
const EVERY = 15000;
const TIERS = ["flash", "basic", "standard", "advanced"];
const ENDS = ["completed", "partial", "failed", "cancelled"];
const STATES = ["ready", "draining", "starting", "waking", "stopping", "failed", "asleep", "stopped"];

const whole = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(value);
const compact = (value) => new Intl.NumberFormat(locale(), { notation: "compact" }).format(value);

let part = {};
let bars = {};
let spans = [];
let span = remembered(SPAN) === "days" ? "days" : "hours";
let found = null; // the server's answer
let cluster = null; // the machines that read together, if there are several
let timer = null;

export function start(element) {
  preparePane(element);
  part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  spans = [...element.querySelectorAll("[data-span]")];
  const named = (keys, words) => keys.map((key) => ({ key, name: () => t(`${words}.${key}`) }));
  const time = { say: duration, upTo: roundTime };
  bars = {
    pages: makeBars(named(TIERS, "overview.tier"), () => t("overview.pages"), { say: whole, scale: compact }),
    ends: makeBars(named(ENDS, "status"), () => t("overview.ends"), { say: whole, scale: compact }),
    waited: makeBars([{ key: "waited", name: () => "" }], () => t("overview.waited"), time),
    engine: makeBars(named(STATES, "engine.state"), () => t("overview.engine"), time),
  };
  for (const [name, { node }] of Object.entries(bars)) part[name].append(node);
  for (const button of spans) button.onclick = () => choose(button.dataset.span);
  part.close.onclick = () => part.dialog.close();
  part.dialog.onclick = (event) => event.target === part.dialog && part.dialog.close(); // beside it
  part.dialog.onclose = closed;
  on("open-overview", open);
  on("language", () => {
    translate(element);
    draw();
  });
  document.addEventListener("visibilitychange", () => document.hidden || (part.dialog.open && poll()));
  translate(element);
}

function open() {
  if (part.dialog.open) return;
  part.dialog.showModal();
  part.body.scrollTop = 0;
  hostNotices(part.dialog);
  poll();
}

function closed() {
  clearTimeout(timer);
  hostNotices(document.body);
}

function choose(next) {
  span = next;
  remember(SPAN, next);
  found = null;
  poll();
}

async function poll() {
  clearTimeout(timer);
  const asked = span;
  draw();
  try {
    // a day more than is shown: the first day begins at midnight here, not at the server's hour
    const history = `api/v1/history?hours=${asked === "days" ? (DAYS + 1) * 24 : HOURS}`;
    const [answer, machines] = await Promise.all([call(history), call("api/v1/cluster")]);
    if (asked === span) found = answer;
    cluster = machines;
    show(part.trouble, false);
  } catch (error) {
    setText(part.trouble, error.code === "network" ? t("bar.offline") : explain(error));
    show(part.trouble, true);
  }
  if (asked === span) draw();
  if (part.dialog.open && !document.hidden) timer = setTimeout(poll, EVERY);
}

// ---- drawing

function draw() {
  if (cluster) drawMachines(part["machines-section"], part.machines, part["cluster-trouble"], cluster);
  for (const button of spans) button.setAttribute("aria-pressed", String(button.dataset.span === span));
  if (!found) return;
  const buckets = makeBuckets();
  for (const row of found.tasks) add(buckets, row, countTasks);
  for (const row of found.engine) add(buckets, row, countEngine);
  const as = (values) => buckets.map((bucket) => ({ label: bucket.label, tick: bucket.tick, values: values(bucket) }));
  bars.pages.update(as((bucket) => bucket.pages));
  bars.ends.update(as((bucket) => bucket.ends));
  bars.waited.update(as((bucket) => ({ waited: bucket.tasks ? bucket.waited / bucket.tasks : 0 })));
  show(part["engine-section"], found.engine.length > 0);
  bars.engine.update(as((bucket) => bucket.engine));
  drawMemory(buckets);
  drawFigures(buckets);
}

// One for each hour or day, also where nothing was done; `key` tells which rows belong to it.
function makeBuckets() {
  const count = span === "days" ? DAYS : HOURS;
  const tick = new Intl.DateTimeFormat(locale(), span === "days" ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  const full = new Intl.DateTimeFormat(locale(), span === "days" ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
  const last = new Date(found.hour * 3600000);
  return Array.from({ length: count }, (_, index) => {
    const ago = count - 1 - index;
    const when = span === "days" ? new Date(last.getFullYear(), last.getMonth(), last.getDate() - ago) : new Date(last - ago * 3600000);
    const bucket = { key: keyOf(when), label: full.format(when), tick: index % 6 === 2 ? tick.format(when) : "" };
    return { ...bucket, pages: {}, ends: {}, engine: {}, tasks: 0, waited: 0, used: 0, total: 0 };
  });
}

const keyOf = (when) => (span === "days" ? when.toDateString() : Math.floor(when.getTime() / 3600000));

function add(buckets, row, count) {
  const bucket = buckets.find(({ key }) => key === keyOf(new Date(row.hour * 3600000)));
  if (bucket) count(bucket, row);
}

function countTasks(bucket, row) {
  bucket.pages[row.tier] = (bucket.pages[row.tier] ?? 0) + row.pages;
  bucket.ends[row.status] = (bucket.ends[row.status] ?? 0) + row.tasks;
  bucket.tasks += row.tasks;
  bucket.waited += row.waited;
}

function countEngine(bucket, row) {
  bucket.engine[row.status] = (bucket.engine[row.status] ?? 0) + row.seconds;
  bucket.used = Math.max(bucket.used, row.used ?? 0);
  bucket.total = Math.max(bucket.total, row.total ?? 0);
}

function drawMemory(buckets) {
  const most = buckets.reduce((best, bucket) => (bucket.used > best.used ? bucket : best), buckets[0]);
  show(part.memory, most.used > 0);
  if (most.used) setText(part.memory, t("overview.memory", gigabytes(most.used), gigabytes(most.total), most.label));
}

function drawFigures(buckets) {
  const sum = (values) => buckets.reduce((total, bucket) => total + values(bucket), 0);
  const tasks = sum((bucket) => bucket.tasks);
  const pages = sum((bucket) => Object.values(bucket.pages).reduce((a, b) => a + b, 0));
  const good = sum((bucket) => bucket.ends.completed ?? 0);
  const bad = sum((bucket) => (bucket.ends.failed ?? 0) + (bucket.ends.partial ?? 0));
  const figures = [
    ["overview.figure.documents", whole(good)],
    ["overview.figure.pages", whole(pages)],
    ["overview.figure.waited", tasks ? duration(sum((bucket) => bucket.waited) / tasks) : "–"],
    ["overview.figure.bad", whole(bad)],
  ];
  part.figures.replaceChildren(...figures.map(([key, value]) => el("div", {}, el("dt", {}, t(key)), el("dd", {}, value))));
}
