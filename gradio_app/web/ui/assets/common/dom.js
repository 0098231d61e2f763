// Helpers for the document tree. Text goes in as text, never as HTML.

import { ICONS } from "./icons.js";

/**
 * Makes a node: el("button", { class: "x", onclick: f, "aria-label": "…" }, child, "text").
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} attributes @param {(Node | string | null | undefined)[]} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A shape of a drawing. @param {string} tag @param {Record<string, any>} attributes @param {Node[]} children */
export function shape(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** An icon of our own set; decoration, so hidden from screen readers. @param {string} name */
export function icon(name) {
  const svg = shape("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "mo-icon" });
  for (const d of ICONS[name]) {
    const path = shape("path", { d: d.replace("!", "") });
    if (d.startsWith("!")) path.setAttribute("fill", "currentColor");
    svg.append(path);
  }
  return svg;
}

export function setIcon(/** @type {HTMLElement} */ holder, /** @type {string} */ name) {
  if (holder.dataset.icon === name) return;
  holder.dataset.icon = name;
  holder.replaceChildren(icon(name));
}

/** Writes only what differs: an untouched node keeps selection, focus and layout. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setLabel(/** @type {HTMLElement} */ node, /** @type {string} */ text) {
  if (node.getAttribute("aria-label") === text) return;
  node.setAttribute("aria-label", text);
  node.title = text;
}

export function show(/** @type {HTMLElement} */ node, /** @type {boolean} */ visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Marks the one that is current among its neighbours. @param {Element} node @param {boolean} current */
export function setCurrent(node, current, kind = "true") {
  if (current) node.setAttribute("aria-current", kind);
  else node.removeAttribute("aria-current");
}

/** Words and values as a list of definitions. @param {HTMLElement} list @param {[string, string][]} pairs */
export function fillPairs(list, pairs) {
  const words = pairs.flat().join("\n");
  if (list.dataset.words === words) return;
  list.dataset.words = words;
  list.replaceChildren(...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** The element around the target of an event that a selector names. @param {Event} event @param {string} selector */
export const closest = ({ target }, selector) =>
  target instanceof Element ? /** @type {HTMLElement | null} */ (Element.prototype.closest.call(target, selector)) : null;

/** All nodes that a selector names. @param {ParentNode} root @param {string} selector */
export const all = (root, selector) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

/** Nodes of a frame by the value of a data attribute. @param {ParentNode} root @returns {any} */
export const named = (root, attribute = "part") =>
  Object.fromEntries(all(root, `[data-${attribute}]`).map((node) => [node.dataset[attribute], node]));

// A copy of what is in a template: its node, and nodes inside by the value of data-row.
export function copyOf(/** @type {HTMLTemplateElement} */ template) {
  const node = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  return { ...named(node, "row"), node };
}

/**
 * Where a key leads in a row of things; undefined for other keys.
 * @param {KeyboardEvent} event @param {number} at @param {number} count
 * @returns {number | undefined}
 */
export const targetOf = ({ key }, at, count, back = "ArrowUp", forth = "ArrowDown") =>
  ({ [back]: at - 1, [forth]: at + 1, Home: 0, End: count - 1 })[key];

/** Draws once a frame, however often it is asked for. @param {() => void} draw */
export function eachFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}
