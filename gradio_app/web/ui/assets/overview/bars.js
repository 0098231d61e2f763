// Bars: stacked values over time, with a legend and a scrubber.

import { gridLine, label, legendItem, makeScrubber } from "../common/chart.js";
import { el, shape, show } from "../common/dom.js";
import { join } from "../common/format.js";

const HEIGHT = 150;
const PAD = { left: 44, right: 8, top: 8 };
const BASE = 122; // where the bars stand, in pixels from the top
const TICKS = 142; // the line on which the times are written
const WIDEST = 26; // pixels of a bar

/**
 * The series stand from the bottom up; the style sheet gives their colours to [data-series=key].
 * @param {Series[]} series @param {() => string} name what the figure shows
 * @param {BarWords} words how values are written
 */
export function makeBars(series, name, { say, scale = say, upTo = round }) {
  const svg = shape("svg", { class: "mo-plot-drawing", height: HEIGHT, "aria-hidden": "true" });
  const legend = el("ul", { class: "mo-legend" });
  /** @type {Bucket[]} oldest first */
  let buckets = [];
  let width = 0;

  /** @param {Bucket} bucket */
  const sum = ({ values }) => series.reduce((total, { key }) => total + (values[key] ?? 0), 0);
  const step = () => (width - PAD.left - PAD.right) / buckets.length;
  const draw = () => {
    width = scrubber.node.clientWidth;
    if (!width || !buckets.length) return;
    const top = upTo(Math.max(...buckets.map(sum)));
    const y = (/** @type {number} */ value) => BASE - ((BASE - PAD.top) * value) / top;
    svg.setAttribute("width", String(width));
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(shape("rect", { class: "mo-bars-mark", y: PAD.top, height: BASE - PAD.top, visibility: "hidden" }));
    for (const value of [0, top / 2, top]) {
      svg.append(...gridLine(PAD.left, width - PAD.right, Math.round(y(value)) + 0.5, scale(value)));
    }
    buckets.forEach((bucket, index) => drawBucket(bucket, PAD.left + index * step(), y));
    scrubber.node.setAttribute("aria-label", name());
    scrubber.node.setAttribute("aria-valuemax", String(buckets.length - 1));
    drawLegend();
    readOut();
  };
  /** @param {Bucket} bucket @param {number} left @param {(value: number) => number} y */
  const drawBucket = (bucket, left, y) => {
    const size = Math.min(WIDEST, Math.max(1, step() * 0.72));
    const x = left + (step() - size) / 2;
    let below = 0;
    for (const { key } of series) {
      const value = bucket.values[key] ?? 0;
      if (value <= 0) continue;
      const [from, to] = [y(below), y(below + value)];
      const height = Math.max(1, from - to);
      svg.append(shape("rect", { "data-series": key, class: "mo-bar", x, y: to, width: size, height }));
      below += value;
    }
    if (bucket.tick) svg.append(label(left + step() / 2, TICKS, bucket.tick, "middle"));
  };
  const drawLegend = () => {
    const used = series.filter(({ key }) => buckets.some(({ values }) => values[key] > 0));
    show(legend, used.length > 1);
    legend.replaceChildren(...used.map((one) => legendItem({ "data-series": one.key }, one.name())));
  };
  const readOut = () => {
    const { at } = scrubber;
    const bucket = buckets[at ?? buckets.length - 1];
    if (!bucket) return;
    const words = series
      .filter(({ key }) => bucket.values[key] > 0)
      .map((one) => (series.length > 1 ? `${one.name()} ` : "") + say(bucket.values[one.key]));
    scrubber.read(join(bucket.label, ...(words.length ? words : [say(0)])));
    const mark = svg.firstElementChild;
    mark?.setAttribute("visibility", at === null ? "hidden" : "visible");
    mark?.setAttribute("x", String(PAD.left + (at ?? 0) * step()));
    mark?.setAttribute("width", String(Math.max(1, step())));
  };

  const scrubber = makeScrubber(svg, {
    count: () => buckets.length,
    indexAt: (left) => Math.floor((left - PAD.left) / step()),
    moved: readOut,
    resized: () => scrubber.node.clientWidth !== width && draw(),
  });
  scrubber.node.classList.add("mo-bars");
  return {
    node: el("figure", { class: "mo-plot-figure" }, scrubber.readout, scrubber.node, legend),
    update(/** @type {Bucket[]} */ next) {
      if (next.length !== buckets.length) scrubber.at = null;
      buckets = next;
      draw();
    },
  };
}

// Times that can be halved, in seconds.
const TIMES = [2, 10, 20, 60, 120, 240, 600, 1200, 2400, 3600, 7200, 14400, 28800, 43200, 86400, 172800];

/** @param {number} most */
export const roundTime = (most) => TIMES.find((time) => time >= most - 1) ?? 86400 * Math.ceil(most / 86400);

/** The next round number: what the scale goes up to. @param {number} most */
function round(most) {
  if (most <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * ([1, 2, 4, 5, 6, 8, 10].find((times) => times * unit >= most - 1e-9) ?? 10);
}
