// The card's memory over the last hour: an area, the engine's states as a band below it, and a read-out
// under the pointer, the finger, or the arrow keys.

import { el, setText, show } from "../common/dom.js";
import { duration, gigabytes, join } from "../common/format.js";
import { locale, t } from "../common/language.js";
import { label, shape } from "../common/svg.js";

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
const STATES = ["ready", "starting", "waking", "draining", "stopping", "asleep", "stopped", "failed"];

export function makePlot() {
  const svg = shape("svg", { class: "mo-plot-drawing", height: HEIGHT, "aria-hidden": "true" });
  const scrubber = el("div", { class: "mo-plot", role: "slider", tabindex: "0", "aria-valuemin": "0" }, svg);
  const readout = el("p", { class: "mo-plot-readout", "aria-hidden": "true" });
  const summary = el("figcaption", { class: "mo-plot-summary", id: "mo-plot-summary" });
  const legend = el("ul", { class: "mo-legend" });
  scrubber.setAttribute("aria-describedby", "mo-plot-summary");
  const node = el("figure", { class: "mo-plot-figure" }, readout, scrubber, legend, summary);
  const parts = { svg, scrubber, readout, summary, legend };
  let seen = null; // { samples, total, from, to, width }
  let at = null; // the sample that is read out

  const redraw = () => {
    if (!seen || !scrubber.clientWidth) return;
    seen.width = scrubber.clientWidth;
    draw(parts, seen);
    point(parts, seen, at);
  };
  const move = (index) => {
    at = index === null ? null : Math.max(0, Math.min(seen.samples.length - 1, index));
    point(parts, seen, at);
  };
  new ResizeObserver(redraw).observe(scrubber);
  scrubber.onpointermove = scrubber.onpointerdown = (event) => move(nearest(seen, event.clientX - scrubber.getBoundingClientRect().left));
  scrubber.onpointerleave = scrubber.onblur = () => move(null);
  scrubber.onkeydown = (event) => {
    const last = seen.samples.length - 1;
    const to = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? last) + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  return {
    node,
    // samples: [Unix seconds, bytes used or null, load or null, state], oldest first; now in Unix seconds
    update(samples, total, now) {
      const span = 60 * (SPANS.find((minutes) => samples[0][0] >= now - 60 * minutes) ?? SPANS.at(-1));
      const kept = samples.filter(([time]) => time >= now - span);
      // what is read out stays under the finger while the samples move along
      const held = at === null ? null : seen?.samples[at]?.[0];
      seen = { samples: kept, total, from: now - span, to: now };
      if (held !== null && held !== undefined) at = Math.max(0, kept.findIndex(([time]) => time >= held));
      redraw();
    },
  };
}

// ---- drawing

function draw({ svg, scrubber, summary, legend }, seen) {
  svg.setAttribute("width", seen.width);
  svg.setAttribute("viewBox", `0 0 ${seen.width} ${HEIGHT}`);
  svg.replaceChildren(...rows(seen), ...times(seen), ...areas(seen), ...band(seen), cursor());
  scrubber.setAttribute("aria-label", t("engine.plot"));
  scrubber.setAttribute("aria-valuemax", String(seen.samples.length - 1));
  setText(summary, summarize(seen));
  drawLegend(legend, seen);
}

const x = ({ from, to, width }, time) => PAD.left + ((width - PAD.left - PAD.right) * (time - from)) / (to - from);
const y = ({ total }, bytes) => BASE - ((BASE - PAD.top) * Math.min(bytes, total)) / total;

// Lines across, at round numbers of gigabytes.
function rows(seen) {
  const whole = seen.total / 2 ** 30;
  const step = STEPS.find((size) => whole / size <= 4.5) ?? Math.ceil(whole / 4);
  const found = [];
  for (let value = 0; value <= whole + 0.05; value += step) {
    const height = Math.round(y(seen, value * 2 ** 30)) + 0.5;
    found.push(shape("line", { class: "mo-plot-row", x1: PAD.left, x2: seen.width - PAD.right, y1: height, y2: height }));
    found.push(label(PAD.left - 6, height + 4, String(value), "end"));
    const last = value + step > whole + 0.05;
    if (last) found.push(label(PAD.left + 4, height + 13, t("engine.plot.unit"), "start"));
  }
  return found;
}

function times(seen) {
  const minutes = (seen.to - seen.from) / 60;
  const parts = seen.width < 420 ? 2 : 4;
  const found = [];
  for (let part = 0; part <= parts; part += 1) {
    const ago = minutes - (minutes * part) / parts;
    const place = x(seen, seen.to - 60 * ago);
    const anchor = part === 0 ? "start" : part === parts ? "end" : "middle";
    found.push(label(place, TICKS, ago ? t("engine.plot.ago", ago) : t("engine.plot.now"), anchor));
  }
  return found;
}

// Neighbours without a gap between them: each run is one area.
function runs(samples, fits) {
  const found = [];
  for (const sample of samples) {
    const before = found.at(-1)?.at(-1);
    if (before && sample[0] - before[0] <= GAP && fits(before, sample)) found.at(-1).push(sample);
    else found.push([sample]);
  }
  return found;
}

function areas(seen) {
  const known = (a, b) => a[1] !== null && b[1] !== null;
  return runs(seen.samples, known)
    .filter(([first]) => first[1] !== null)
    .flatMap((run) => {
      const points = run.map(([time, used]) => [x(seen, time), y(seen, used)]);
      if (points.length === 1) points.push([Math.min(x(seen, run[0][0] + EVERY), x(seen, seen.to)), points[0][1]]);
      const line = points.map((pair) => pair.map((value) => value.toFixed(1)).join(",")).join(" L");
      const [left, right] = [points[0][0].toFixed(1), points.at(-1)[0].toFixed(1)];
      return [
        shape("path", { class: "mo-plot-area", d: `M${left},${BASE} L${line} L${right},${BASE} Z` }),
        shape("path", { class: "mo-plot-line", d: `M${line}` }),
      ];
    });
}

// [state, from, to] of each stretch; a state lasts until the next sample, unless nobody looked.
function stretches(seen) {
  const { samples } = seen;
  const found = [];
  samples.forEach(([time, , , status], index) => {
    const next = samples[index + 1]?.[0] ?? seen.to;
    const end = next - time <= GAP ? next : time + EVERY;
    const last = found.at(-1);
    if (last?.[0] === status && time - last[2] < 1) last[2] = end;
    else found.push([status, time, end]);
  });
  return found;
}

function band(seen) {
  return stretches(seen).map(([status, from, to]) => {
    const left = x(seen, from);
    const width = Math.max(1, x(seen, to) - left);
    return shape("rect", { "data-engine": status, class: "mo-plot-band", x: left, y: BAND.top, width, height: BAND.height });
  });
}

function cursor() {
  const line = shape("line", { y1: PAD.top, y2: BAND.top + BAND.height });
  return shape("g", { class: "mo-plot-cursor", visibility: "hidden" }, line, shape("circle", { r: 4 }));
}

// ---- reading it out

function nearest(seen, place) {
  const distances = seen.samples.map(([time]) => Math.abs(x(seen, time) - place));
  return distances.indexOf(Math.min(...distances));
}

function point({ svg, scrubber, readout }, seen, at) {
  if (!seen) return;
  const sample = seen.samples[at ?? seen.samples.length - 1];
  const text = told(sample, at === null);
  setText(readout, text);
  readout.classList.toggle("mo-past", at !== null);
  scrubber.setAttribute("aria-valuenow", String(at ?? seen.samples.length - 1));
  scrubber.setAttribute("aria-valuetext", text);
  const mark = svg.querySelector(".mo-plot-cursor");
  if (!mark) return;
  mark.setAttribute("visibility", at === null ? "hidden" : "visible");
  const [line, dot] = mark.children;
  const place = x(seen, sample[0]);
  line.setAttribute("x1", place);
  line.setAttribute("x2", place);
  dot.setAttribute("cx", place);
  dot.setAttribute("cy", sample[1] === null ? -20 : y(seen, sample[1]));
}

function told([time, used, load, status], isNow) {
  const when = new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(new Date(time * 1000));
  return join(
    isNow ? t("engine.plot.now") : when,
    used === null ? t("engine.plot.gap") : `${gigabytes(used)} ${t("engine.plot.unit")}`,
    load !== null && t("engine.card.load", load),
    t(`engine.state.${status}`),
  );
}

function summarize({ samples, from, to }) {
  const used = samples.map((sample) => sample[1]).filter((bytes) => bytes !== null);
  const passed = Math.min(to - from, to - samples[0][0]);
  const span = duration(Math.max(60, Math.round(passed / 60) * 60));
  return t("engine.plot.of", span, gigabytes(Math.min(...used)), gigabytes(Math.max(...used)));
}

// What the colours of the band mean, and how long each state lasted.
function drawLegend(legend, seen) {
  const lasted = new Map();
  for (const [status, from, to] of stretches(seen)) lasted.set(status, (lasted.get(status) ?? 0) + to - from);
  const items = STATES.filter((status) => lasted.get(status) >= 1);
  const words = items.map((status) => t("engine.plot.for", t(`engine.state.${status}`), duration(lasted.get(status))));
  show(legend, items.length > 0);
  if (legend.dataset.words === words.join()) return;
  legend.dataset.words = words.join();
  legend.replaceChildren(...items.map((status, at) => el("li", { "data-engine": status }, el("i", { "aria-hidden": "true" }), words[at])));
}
