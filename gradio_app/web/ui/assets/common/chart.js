// Chart: labels, lines and the scrubber that drawings over time share.

import { el, setText, shape, targetOf } from "./dom.js";

/** @param {number} left @param {number} top @param {string} text @param {"start" | "middle" | "end"} anchor */
export function label(left, top, text, anchor) {
  const node = shape("text", { class: "mo-plot-label", x: left, y: top, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

/** A line across with its label. @param {number} left @param {number} right @param {number} height @param {string} text */
export const gridLine = (left, right, height, text) => [
  shape("line", { class: "mo-plot-row", x1: left, x2: right, y1: height, y2: height }),
  label(left - 6, height + 4, text, "end"),
];

/** @param {Record<string, string>} attributes @param {string} text */
export const legendItem = (attributes, text) => el("li", attributes, el("i", { "aria-hidden": "true" }), text);

// Reads one point of a drawing out: under the pointer, the finger, or by the arrow keys; else the last one.
export function makeScrubber(/** @type {SVGElement} */ svg, /** @type {Drawing} */ { count, indexAt, moved, resized }) {
  const node = el("div", { class: "mo-plot", role: "slider", tabindex: "0", "aria-valuemin": "0" }, svg);
  const readout = el("p", { class: "mo-plot-readout", "aria-hidden": "true" });
  const scrubber = {
    node,
    readout,
    at: /** @type {number | null} */ (null),
    read(/** @type {string} */ text) {
      setText(readout, text);
      readout.classList.toggle("mo-past", scrubber.at !== null);
      node.setAttribute("aria-valuenow", String(scrubber.at ?? count() - 1));
      node.setAttribute("aria-valuetext", text);
    },
  };
  const move = (/** @type {number | null} */ index) => {
    if (!count()) return;
    scrubber.at = index === null ? null : Math.max(0, Math.min(count() - 1, index));
    moved();
  };
  new ResizeObserver(resized).observe(node);
  node.onpointermove = node.onpointerdown = (event) =>
    count() && move(indexAt(event.clientX - node.getBoundingClientRect().left));
  node.onpointerleave = node.onblur = () => move(null);
  node.onkeydown = (event) => {
    const to = targetOf(event, scrubber.at ?? count(), count(), "ArrowLeft", "ArrowRight");
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  return scrubber;
}
