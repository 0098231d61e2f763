// Shapes of drawings.

export function shape(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function label(left, top, text, anchor) {
  const node = shape("text", { class: "mo-plot-label", x: left, y: top, "text-anchor": anchor });
  node.textContent = text;
  return node;
}
