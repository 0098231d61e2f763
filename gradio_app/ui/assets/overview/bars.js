// Stacked bars over time, with a legend and a read-out under the pointer, the finger, or the arrow keys.

import { el, setText, show } from "../common/dom.js";
import { join } from "../common/format.js";
import { label, shape } from "../common/svg.js";

const HEIGHT = 150;
const PAD = { left: 44, right: 8, top: 8 };
const BASE = 122; // where the bars stand, in pixels from the top
const TICKS = 142; // the line on which the times are written
const WIDEST = 26; // pixels of a bar

// series: [{ key, name() }] from the bottom up, whose colour the style sheet gives to [data-series=key];
// name: what the figure shows. say: a value in words; scale: shorter, for the scale; upTo: where the scale ends.
export function makeBars(series, name, { say, scale = say, upTo = round }) {
  const svg = shape("svg", { class: "mo-plot-drawing", height: HEIGHT, "aria-hidden": "true" });
  const scrubber = el("div", { class: "mo-plot mo-bars", role: "slider", tabindex: "0", "aria-valuemin": "0" }, svg);
  const readout = el("p", { class: "mo-plot-readout", "aria-hidden": "true" });
  const legend = el("ul", { class: "mo-legend" });
  const node = el("figure", { class: "mo-plot-figure" }, readout, scrubber, legend);
  let buckets = []; // [{ label, tick, values: { key: number } }], oldest first
  let at = null; // the bucket that is read out
  let width = 0;

  const sum = ({ values }) => series.reduce((total, { key }) => total + (values[key] ?? 0), 0);
  const step = () => (width - PAD.left - PAD.right) / buckets.length;
  const move = (index) => {
    at = index === null ? null : Math.max(0, Math.min(buckets.length - 1, index));
    tell();
  };
  const draw = () => {
    width = scrubber.clientWidth;
    if (!width || !buckets.length) return;
    const top = upTo(Math.max(...buckets.map(sum)));
    const y = (value) => BASE - ((BASE - PAD.top) * value) / top;
    svg.setAttribute("width", width);
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(shape("rect", { class: "mo-bars-mark", y: PAD.top, height: BASE - PAD.top, visibility: "hidden" }));
    for (const value of [0, top / 2, top]) {
      const height = Math.round(y(value)) + 0.5;
      svg.append(shape("line", { class: "mo-plot-row", x1: PAD.left, x2: width - PAD.right, y1: height, y2: height }));
      svg.append(label(PAD.left - 6, height + 4, scale(value), "end"));
    }
    buckets.forEach((bucket, index) => drawBucket(bucket, PAD.left + index * step(), y));
    scrubber.setAttribute("aria-label", name());
    scrubber.setAttribute("aria-valuemax", String(buckets.length - 1));
    drawLegend();
    tell();
  };
  const drawBucket = (bucket, left, y) => {
    const size = Math.min(WIDEST, Math.max(1, step() * 0.72));
    const x = left + (step() - size) / 2;
    let below = 0;
    for (const { key } of series) {
      const value = bucket.values[key] ?? 0;
      if (value <= 0) continue;
      const [from, to] = [y(below), y(below + value)];
      svg.append(shape("rect", { "data-series": key, class: "mo-bar", x, y: to, width: size, height: Math.max(1, from - to) }));
      below += value;
    }
    if (bucket.tick) svg.append(label(left + step() / 2, TICKS, bucket.tick, "middle"));
  };
  const drawLegend = () => {
    const used = series.filter(({ key }) => buckets.some(({ values }) => values[key] > 0));
    show(legend, used.length > 1);
    legend.replaceChildren(...used.map((one) => el("li", { "data-series": one.key }, el("i", { "aria-hidden": "true" }), one.name())));
  };
  const tell = () => {
    const bucket = buckets[at ?? buckets.length - 1];
    if (!bucket) return;
    const parts = series.filter(({ key }) => bucket.values[key] > 0);
    const words = parts.map((one) => (series.length > 1 ? `${one.name()} ${say(bucket.values[one.key])}` : say(bucket.values[one.key])));
    const text = join(bucket.label, ...(words.length ? words : [say(0)]));
    setText(readout, text);
    readout.classList.toggle("mo-past", at !== null);
    scrubber.setAttribute("aria-valuenow", String(at ?? buckets.length - 1));
    scrubber.setAttribute("aria-valuetext", text);
    const mark = svg.firstChild;
    mark?.setAttribute("visibility", at === null ? "hidden" : "visible");
    mark?.setAttribute("x", PAD.left + (at ?? 0) * step());
    mark?.setAttribute("width", Math.max(1, step()));
  };

  new ResizeObserver(() => scrubber.clientWidth !== width && draw()).observe(scrubber);
  scrubber.onpointermove = scrubber.onpointerdown = (event) =>
    buckets.length && move(Math.floor((event.clientX - scrubber.getBoundingClientRect().left - PAD.left) / step()));
  scrubber.onpointerleave = scrubber.onblur = () => move(null);
  scrubber.onkeydown = (event) => {
    const last = buckets.length - 1;
    const to = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? last) + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  return {
    node,
    update(next) {
      if (next.length !== buckets.length) at = null;
      buckets = next;
      draw();
    },
  };
}

// Times that can be halved, in seconds.
const TIMES = [2, 10, 20, 60, 120, 240, 600, 1200, 2400, 3600, 7200, 14400, 28800, 43200, 86400, 172800];
export const roundTime = (most) => TIMES.find((time) => time >= most - 1) ?? 86400 * Math.ceil(most / 86400);

// The next round number: what the scale goes up to.
function round(most) {
  if (most <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * [1, 2, 4, 5, 6, 8, 10].find((times) => times * unit >= most - 1e-9);
}
