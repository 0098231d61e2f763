// Small helpers for the document tree. Text goes in as text, never as HTML.

import { ICONS } from "./icons.js";

// el("button", { class: "x", onclick: f, "aria-label": "…" }, child, "text")
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

// An icon of our own set; decoration, so hidden from screen readers.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "mo-icon");
  for (const d of ICONS[name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d.replace("!", ""));
    if (d.startsWith("!")) path.setAttribute("fill", "currentColor");
    svg.append(path);
  }
  return svg;
}

export function setIcon(holder, name) {
  if (holder.dataset.icon === name) return;
  holder.dataset.icon = name;
  holder.replaceChildren(icon(name));
}

// Writes only what differs: an untouched node keeps selection, focus and layout.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setLabel(node, text) {
  if (node.getAttribute("aria-label") === text) return;
  node.setAttribute("aria-label", text);
  node.title = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// Puts icons into the frames (*.html): <span data-icon-name="x">.
export function placeIcons(root) {
  for (const holder of root.querySelectorAll("[data-icon-name]")) setIcon(holder, holder.dataset.iconName);
}

// Takes a pane out of Gradio's text styles, which are meant for prose, and makes it ready.
export function preparePane(element) {
  element.className = "mo-pane";
  placeIcons(element);
}
