// Use from code: commands and addresses for other programs, with the options of the next documents, to copy.

import { copy } from "../common/copy.js";
import { all, closest, copyOf, el, setText, show, targetOf } from "../common/dom.js";
import { startFrame } from "../common/frame.js";
import { on, state } from "../common/hub.js";
import { t, translate } from "../common/language.js";
import { hostNotices } from "../common/notice.js";
import { closeBeside } from "../common/panel.js";
import { address } from "../common/server.js";
import { commandsOf } from "./commands.js";
import { pane } from "./state.js";

const { part } = pane;
// What a server does by itself need not be asked for.
const USUAL = new Set(["ocr_mode=auto"]);
const wayOf = (/** @type {HTMLElement} */ tab) => /** @type {Way} */ (tab.dataset.way);

export function start(/** @type {HTMLElement} */ element) {
  startFrame(element, part, draw);
  pane.tabs = all(part.tabs, "[data-way]");
  for (const tab of pane.tabs) tab.onclick = () => choose(tab);
  part.tabs.onkeydown = (event) => {
    const at = pane.tabs.findIndex((tab) => tab === closest(event, "[role=tab]"));
    const to = targetOf(event, at, pane.tabs.length, "ArrowLeft", "ArrowRight");
    const tab = to === undefined ? undefined : pane.tabs.at(to % pane.tabs.length);
    if (!tab) return;
    event.preventDefault();
    tab.focus();
    choose(tab);
  };
  closeBeside(part.dialog, part.close);
  part.dialog.onclose = () => hostNotices(document.body);
  on("open-code", (chosen) => {
    pane.chosen = chosen;
    draw();
    part.dialog.showModal();
    part.body.scrollTop = 0;
    hostNotices(part.dialog);
  });
}

function choose(/** @type {HTMLElement} */ tab) {
  pane.way = wayOf(tab);
  draw();
}

function draw() {
  for (const tab of pane.tabs) {
    const chosen = wayOf(tab) === pane.way;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) part.panel.setAttribute("aria-labelledby", tab.id);
  }
  const options = Object.entries(pane.chosen).filter(([name, value]) => value && !USUAL.has(`${name}=${value}`));
  const key = state.queue?.user.name !== "local"; // on loopback nobody is asked for one
  const said = options.map(([name, value]) => `${name}=${value}`).join(", ");
  setText(part.options, t(pane.way === "mcp" || pane.way === "tools" ? "code.elsewhere" : "code.options", said));
  show(part.key, key);
  setText(part.key, t("code.key"));
  const context = { server: address("").replace(/\/$/, ""), options, key };
  part.panel.replaceChildren(...commandsOf(pane.way, context).map(block));
}

function block(/** @type {Command} */ { title, hint = "", text }) {
  const parts = /** @type {CommandParts} */ (copyOf(part.block));
  translate(parts.node);
  setText(parts.title, t(title));
  show(parts.hint, Boolean(hint));
  setText(parts.hint, t(hint));
  setText(parts.text, text);
  parts.copy.append(el("span", { class: "mo-sr" }, ` ${t(title)}`)); // each button has a name of its own
  parts.copy.onclick = () => copy(text, parts.copy);
  return parts.node;
}
