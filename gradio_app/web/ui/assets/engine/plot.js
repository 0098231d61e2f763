// Plot of the card's memory over the last hour: an area, the engine's states as a band below it, a scrubber.

import { gridLine, label, legendItem, makeScrubber } from "../common/chart.js";
import { el, setText, shape, show } from "../common/dom.js";
import { duration, gigabytes, join } from "../common/format.js";
import { locale, t } from "../common/language.js";

const HEIGHT = 196;
const PAD = { left: 34, right: 8, top: 10 };
const BASE = 146; // where the area stands, in pixels from the top
const BAND = { top: 154, height: 10 };
const TICKS = 184; // the line on which the times are written
// The shortest of these that holds everything is shown, in minutes.
const SPANS = [8, 20, 60];
// Samples come every ten seconds; with more than this between two, nobody looked.
const GAP = 35;
const EVERY = 10;
const STEPS = [1, 2, 4, 5, 8, 10, 16, 20, 24, 32, 40, 50, 80, 100];
// Colours come from the style sheet, by the name of the state.
const STATES = /** @type {const} */ (["ready", "starting", "waking", "draining", "stopping", "asleep", "stopped", "failed"]);

/** @returns {Plot} */
export function makePlot() {
  const svg = shape("svg", { class: "mo-plot-drawing", height: HEIGHT, "aria-hidden": "true" });
  const summary = el("figcaption", { class: "mo-plot-summary", id: "mo-plot-summary" });
  const legend = el("ul", { class: "mo-legend" });
  let seen = /** @type {PlotWindow | null} */ (null);

  const point = () => {
    if (!seen) return;
    const { at } = scrubber;
    const sample = seen.samples[at ?? seen.samples.length - 1];
    scrubber.read(inWords(sample, at === null));
    moveCursor(svg, seen, sample, at !== null);
  };
  const draw = () => {
    if (!seen || !scrubber.node.clientWidth) return;
    seen.width = scrubber.node.clientWidth;
    svg.setAttribute("width", String(seen.width));
    svg.setAttribute("viewBox", `0 0 ${seen.width} ${HEIGHT}`);
    svg.replaceChildren(...rows(seen), ...times(seen), ...areas(seen), ...band(seen), cursor());
    scrubber.node.setAttribute("aria-label", t("engine.plot"));
    scrubber.node.setAttribute("aria-valuemax", String(seen.samples.length - 1));
    setText(summary, summarize(seen));
    drawLegend(legend, seen);
    point();
  };
  const scrubber = makeScrubber(svg, {
    count: () => seen?.samples.length ?? 0,
    indexAt: (left) => (seen ? nearest(seen, left) : 0),
    moved: point,
    resized: draw,
  });
  scrubber.node.setAttribute("aria-describedby", "mo-plot-summary");
  return {
    node: el("figure", { class: "mo-plot-figure" }, scrubber.readout, scrubber.node, legend, summary),
    update(samples, total, now) {
      const span = 60 * (SPANS.find((minutes) => samples[0][0] >= now - 60 * minutes) ?? SPANS[SPANS.length - 1]);
      const recent = samples.filter(([time]) => time >= now - span);
      // what is read out stays under the finger while the samples move along
      const held = scrubber.at === null ? undefined : seen?.samples[scrubber.at]?.[0];
      seen = { samples: recent, total, from: now - span, to: now, width: seen?.width ?? 0 };
      if (held !== undefined) scrubber.at = Math.max(0, recent.findIndex(([time]) => time >= held));
      draw();
    },
  };
}

/** @param {PlotWindow} seen @param {number} time */
const x = ({ from, to, width }, time) => PAD.left + ((width - PAD.left - PAD.right) * (time - from)) / (to - from);

/** @param {PlotWindow} seen @param {number} bytes */
const y = ({ total }, bytes) => BASE - ((BASE - PAD.top) * Math.min(bytes, total)) / total;

/** Lines across, at round numbers of gigabytes. @param {PlotWindow} seen */
function rows(seen) {
  const whole = seen.total / 2 ** 30;
  const step = STEPS.find((size) => whole / size <= 4.5) ?? Math.ceil(whole / 4);
  const found = [];
  for (let value = 0; value <= whole + 0.05; value += step) {
    const height = Math.round(y(seen, value * 2 ** 30)) + 0.5;
    found.push(...gridLine(PAD.left, seen.width - PAD.right, height, String(value)));
    const last = value + step > whole + 0.05;
    if (last) found.push(label(PAD.left + 4, height + 13, t("engine.plot.unit"), "start"));
  }
  return found;
}

function times(/** @type {PlotWindow} */ seen) {
  const minutes = (seen.to - seen.from) / 60;
  const parts = seen.width < 420 ? 2 : 4;
  const found = [];
  for (let part = 0; part <= parts; part += 1) {
    const ago = minutes - (minutes * part) / parts;
    const anchor = part === 0 ? "start" : part === parts ? "end" : "middle";
    found.push(label(x(seen, seen.to - 60 * ago), TICKS, ago ? t("engine.plot.ago", ago) : t("engine.plot.now"), anchor));
  }
  return found;
}

/** Runs of known samples without a gap between them: [time, bytes]. @param {Sample[]} samples */
function runs(samples) {
  const found = /** @type {[number, number][][]} */ ([]);
  let before = -Infinity;
  for (const [time, used] of samples) {
    if (used === null) before = -Infinity;
    if (used === null) continue;
    if (time - before <= GAP) found[found.length - 1].push([time, used]);
    else found.push([[time, used]]);
    before = time;
  }
  return found;
}

const areas = (/** @type {PlotWindow} */ seen) =>
  runs(seen.samples).flatMap((run) => {
    const points = run.map(([time, used]) => [x(seen, time), y(seen, used)]);
    if (points.length === 1) points.push([Math.min(x(seen, run[0][0] + EVERY), x(seen, seen.to)), points[0][1]]);
    const line = points.map((pair) => pair.map((value) => value.toFixed(1)).join(",")).join(" L");
    const [left, right] = [points[0][0].toFixed(1), points[points.length - 1][0].toFixed(1)];
    return [
      shape("path", { class: "mo-plot-area", d: `M${left},${BASE} L${line} L${right},${BASE} Z` }),
      shape("path", { class: "mo-plot-line", d: `M${line}` }),
    ];
  });

/** [state, from, to] of each stretch; a state lasts until the next sample, unless nobody asked. @param {PlotWindow} seen */
function stretches(seen) {
  const { samples } = seen;
  const found = /** @type {[EngineStatus, number, number][]} */ ([]);
  samples.forEach(([time, , , status], index) => {
    const next = samples[index + 1]?.[0] ?? seen.to;
    const end = next - time <= GAP ? next : time + EVERY;
    const last = found[found.length - 1];
    if (last?.[0] === status && time - last[2] < 1) last[2] = end;
    else found.push([status, time, end]);
  });
  return found;
}

const band = (/** @type {PlotWindow} */ seen) =>
  stretches(seen).map(([status, from, to]) => {
    const left = x(seen, from);
    const size = { y: BAND.top, width: Math.max(1, x(seen, to) - left), height: BAND.height };
    return shape("rect", { "data-engine": status, class: "mo-plot-band", x: left, ...size });
  });

function cursor() {
  const line = shape("line", { y1: PAD.top, y2: BAND.top + BAND.height });
  return shape("g", { class: "mo-plot-cursor", visibility: "hidden" }, line, shape("circle", { r: 4 }));
}

// ---- reading it out

function nearest(/** @type {PlotWindow} */ seen, /** @type {number} */ left) {
  const distances = seen.samples.map(([time]) => Math.abs(x(seen, time) - left));
  return distances.indexOf(Math.min(...distances));
}

/** @param {SVGElement} svg @param {PlotWindow} seen @param {Sample} sample @param {boolean} visible */
function moveCursor(svg, seen, [time, used], visible) {
  const mark = svg.querySelector(".mo-plot-cursor");
  if (!mark) return;
  mark.setAttribute("visibility", visible ? "visible" : "hidden");
  const [line, dot] = mark.children;
  const left = String(x(seen, time));
  line.setAttribute("x1", left);
  line.setAttribute("x2", left);
  dot.setAttribute("cx", left);
  dot.setAttribute("cy", String(used === null ? -20 : y(seen, used)));
}

function inWords(/** @type {Sample} */ [time, used, load, status], /** @type {boolean} */ isNow) {
  const when = new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(new Date(time * 1000));
  return join(
    isNow ? t("engine.plot.now") : when,
    used === null ? t("engine.plot.gap") : `${gigabytes(used)} ${t("engine.plot.unit")}`,
    load !== null && t("engine.card.load", load),
    t(`engine.state.${status}`),
  );
}

function summarize(/** @type {PlotWindow} */ { samples, from, to }) {
  const used = samples.flatMap(([, bytes]) => (bytes === null ? [] : [bytes]));
  const passed = Math.min(to - from, to - samples[0][0]);
  const span = duration(Math.max(60, Math.round(passed / 60) * 60));
  return t("engine.plot.of", span, gigabytes(Math.min(...used)), gigabytes(Math.max(...used)));
}

/** What the colours of the band mean, and how long each state lasted. @param {HTMLElement} legend @param {PlotWindow} seen */
function drawLegend(legend, seen) {
  const lasted = /** @type {Map<EngineStatus, number>} */ (new Map());
  for (const [status, from, to] of stretches(seen)) lasted.set(status, (lasted.get(status) ?? 0) + to - from);
  const found = STATES.map((status) => ({ status, time: lasted.get(status) ?? 0 })).filter(({ time }) => time >= 1);
  const items = found.map(({ status, time }) =>
    legendItem({ "data-engine": status }, t("engine.plot.for", t(`engine.state.${status}`), duration(time))),
  );
  const words = items.map((item) => item.textContent).join();
  show(legend, items.length > 0);
  if (legend.dataset.words === words) return;
  legend.dataset.words = words;
  legend.replaceChildren(...items);
}
