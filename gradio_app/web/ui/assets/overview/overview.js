// Overview panel: documents of a day or a month by tier and outcome, what the engine did, machines of a cluster.

import { all, fillPairs, setText, show } from "../common/dom.js";
import { duration, gigabytes } from "../common/format.js";
import { startFrame } from "../common/frame.js";
import { TIERS } from "../common/hub.js";
import { explain, locale, remember, t } from "../common/language.js";
import { startPanel } from "../common/panel.js";
import { call, codeOf } from "../common/server.js";
import { makeBars, roundTime } from "./bars.js";
import { drawMachines } from "./machines.js";
import { pane, SPAN } from "./state.js";

const { part } = pane;

const HOURS = 24;
const DAYS = 30;
// How often the server is asked while the panel is open, in milliseconds.
const EVERY = 15000;
const ENDS = ["completed", "partial", "failed", "cancelled"];
const STATES = ["ready", "draining", "starting", "waking", "stopping", "failed", "asleep", "stopped"];

/** @param {number} value */
const whole = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(value);
/** @param {number} value */
const compact = (value) => new Intl.NumberFormat(locale(), { notation: "compact" }).format(value);

export function start(/** @type {HTMLElement} */ element) {
  startFrame(element, part, draw);
  pane.spans = all(element, "[data-span]");
  /** @param {string[]} keys @param {string} words */
  const named = (keys, words) => keys.map((key) => ({ key, name: () => t(`${words}.${key}`) }));
  const time = { say: duration, upTo: roundTime };
  const count = { say: whole, scale: compact };
  pane.bars = {
    pages: makeBars(named(TIERS, "overview.tier"), () => t("overview.pages"), count),
    ends: makeBars(named(ENDS, "status"), () => t("overview.ends"), count),
    waited: makeBars([{ key: "waited", name: () => "" }], () => t("overview.waited"), time),
    engine: makeBars(named(STATES, "engine.state"), () => t("overview.engine"), time),
  };
  part.pages.append(pane.bars.pages.node);
  part.ends.append(pane.bars.ends.node);
  part.waited.append(pane.bars.waited.node);
  part.engine.append(pane.bars.engine.node);
  const poll = startPanel(part, "open-overview", EVERY, load);
  for (const button of pane.spans) {
    button.onclick = () => {
      pane.span = button.dataset.span === "days" ? "days" : "hours";
      remember(SPAN, pane.span);
      pane.found = null;
      poll();
    };
  }
}

async function load() {
  const asked = pane.span;
  draw();
  try {
    // a day more than is shown: the first day begins at midnight here, not at the server's hour
    const history = `api/v1/history?hours=${asked === "days" ? (DAYS + 1) * 24 : HOURS}`;
    const [answer, machines] = await Promise.all([call(history), call("api/v1/cluster")]);
    if (asked === pane.span) pane.found = answer;
    pane.cluster = machines;
    show(part.trouble, false);
  } catch (error) {
    setText(part.trouble, codeOf(error) === "network" ? t("bar.offline") : explain(error));
    show(part.trouble, true);
  }
  if (asked === pane.span) draw();
}

// ---- drawing

function draw() {
  if (pane.cluster) drawMachines(part["machines-section"], part.machines, part["cluster-trouble"], pane.cluster);
  for (const button of pane.spans) button.setAttribute("aria-pressed", String(button.dataset.span === pane.span));
  const { found } = pane;
  if (!found) return;
  const buckets = makeBuckets(found.hour);
  const bucketOf = (/** @type {{ hour: number }} */ { hour }) => {
    const wanted = keyOf(new Date(hour * 3600000));
    return buckets.find(({ key }) => key === wanted);
  };
  for (const row of found.tasks) countTasks(bucketOf(row), row);
  for (const row of found.engine) countEngine(bucketOf(row), row);
  const as = (/** @type {(bucket: Span) => Record<string, number>} */ values) =>
    buckets.map((bucket) => ({ label: bucket.label, tick: bucket.tick, values: values(bucket) }));
  pane.bars.pages.update(as((bucket) => bucket.pages));
  pane.bars.ends.update(as((bucket) => bucket.ends));
  pane.bars.waited.update(as((bucket) => ({ waited: bucket.tasks ? bucket.waited / bucket.tasks : 0 })));
  show(part["engine-section"], found.engine.length > 0);
  pane.bars.engine.update(as((bucket) => bucket.engine));
  drawMemory(buckets);
  drawFigures(buckets);
}

/** One for each hour or day, also where nothing was done. @param {number} hour the last one @returns {Span[]} */
function makeBuckets(hour) {
  const days = pane.span === "days";
  const count = days ? DAYS : HOURS;
  const format = (/** @type {Intl.DateTimeFormatOptions} */ form) => new Intl.DateTimeFormat(locale(), form);
  const tick = format(days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  const full = format(days ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
  const last = new Date(hour * 3600000);
  return Array.from({ length: count }, (_, index) => {
    const ago = count - 1 - index;
    const midnight = new Date(last.getFullYear(), last.getMonth(), last.getDate() - ago);
    const when = days ? midnight : new Date(last.getTime() - ago * 3600000);
    const bucket = { key: keyOf(when), label: full.format(when), tick: index % 6 === 2 ? tick.format(when) : "" };
    return { ...bucket, pages: {}, ends: {}, engine: {}, tasks: 0, waited: 0, used: 0, total: 0 };
  });
}

/** @param {Date} when */
const keyOf = (when) => (pane.span === "days" ? when.toDateString() : Math.floor(when.getTime() / 3600000));

function countTasks(/** @type {Span | undefined} */ bucket, /** @type {TaskHour} */ row) {
  if (!bucket) return;
  bucket.pages[row.tier] = (bucket.pages[row.tier] ?? 0) + row.pages;
  bucket.ends[row.status] = (bucket.ends[row.status] ?? 0) + row.tasks;
  bucket.tasks += row.tasks;
  bucket.waited += row.waited;
}

function countEngine(/** @type {Span | undefined} */ bucket, /** @type {EngineHour} */ row) {
  if (!bucket) return;
  bucket.engine[row.status] = (bucket.engine[row.status] ?? 0) + row.seconds;
  bucket.used = Math.max(bucket.used, row.used ?? 0);
  bucket.total = Math.max(bucket.total, row.total ?? 0);
}

function drawMemory(/** @type {Span[]} */ buckets) {
  const most = buckets.reduce((best, bucket) => (bucket.used > best.used ? bucket : best), buckets[0]);
  show(part.memory, most.used > 0);
  if (most.used) setText(part.memory, t("overview.memory", gigabytes(most.used), gigabytes(most.total), most.label));
}

function drawFigures(/** @type {Span[]} */ buckets) {
  const sum = (/** @type {(bucket: Span) => number} */ values) => buckets.reduce((total, bucket) => total + values(bucket), 0);
  const tasks = sum((bucket) => bucket.tasks);
  const pages = sum((bucket) => Object.values(bucket.pages).reduce((a, b) => a + b, 0));
  const good = sum((bucket) => bucket.ends.completed ?? 0);
  const bad = sum((bucket) => (bucket.ends.failed ?? 0) + (bucket.ends.partial ?? 0));
  fillPairs(part.figures, [
    [t("overview.figure.documents"), whole(good)],
    [t("overview.figure.pages"), whole(pages)],
    [t("overview.figure.waited"), tasks ? duration(sum((bucket) => bucket.waited) / tasks) : "–"],
    [t("overview.figure.bad"), whole(bad)],
  ]);
}
