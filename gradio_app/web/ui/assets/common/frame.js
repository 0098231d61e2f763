// Frame of a pane: its named parts, its icons, and its texts in the language of the page.

import { all, named, setIcon } from "./dom.js";
import { on } from "./hub.js";
import { translate } from "./language.js";

/**
 * Takes a pane out of Gradio's text styles, which are meant for prose, and fills its frame. `draw` follows the language.
 * @param {HTMLElement} element @param {object} part @param {() => void} [draw]
 */
export function startFrame(element, part, draw) {
  element.className = "mo-pane";
  const templates = [...element.querySelectorAll("template")].map(({ content }) => content);
  const holders = [element, ...templates].flatMap((root) => all(root, "[data-icon-name]"));
  for (const holder of holders) setIcon(holder, holder.dataset.iconName ?? "");
  Object.assign(part, named(element));
  translate(element);
  on("language", () => {
    translate(element);
    draw?.();
  });
}
