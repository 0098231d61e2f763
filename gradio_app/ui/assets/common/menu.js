// Small windows at a button: the download menu, and the question before deleting. One is open at a time.

import { el } from "./dom.js";
import { t } from "./language.js";
import { taskAddress } from "./server.js";

const FORMATS = ["markdown", "zip", "docx", "html", "latex", "epub", "json"];
const GAP = 4;

let opened = null; // { node, button }

export function openDownloads(button, task) {
  if (!task) return;
  const links = FORMATS.map((format) => {
    const href = taskAddress(task.id, `/result?format=${format}`);
    return el("a", { role: "menuitem", href, download: "", onclick: () => close() }, t(`format.${format}`));
  });
  const source = el(
    "a",
    { role: "menuitem", href: taskAddress(task.id, "/source"), download: "", class: "mo-menu-last", onclick: () => close() },
    t("format.source"),
  );
  openAt(button, el("div", { class: "mo-menu", role: "menu", "aria-label": t("row.download") }, ...links, source));
}

// choices: [text, what to do]
export function openChoices(button, label, choices) {
  const chosen = (act) => () => {
    close();
    act();
  };
  const items = choices.map(([text, act]) => el("button", { type: "button", role: "menuitem", onclick: chosen(act) }, text));
  const title = el("p", { class: "mo-menu-title", role: "presentation" }, label);
  openAt(button, el("div", { class: "mo-menu", role: "menu", "aria-label": label }, title, ...items));
}

export const askDelete = (button, name, confirmed) => ask(button, t("row.delete.ask", name), t("row.delete"), confirmed);

// A question whose one answer cannot be undone.
export function ask(button, question, answer, confirmed) {
  const yes = el(
    "button",
    {
      type: "button",
      class: "mo-button mo-danger",
      onclick: () => {
        close();
        confirmed();
      },
    },
    answer,
  );
  openAt(button, el("div", { class: "mo-menu mo-ask", role: "dialog", "aria-label": question }, el("p", {}, question), yes));
}

function openAt(button, node) {
  const same = opened?.button === button;
  close();
  if (same) return; // a second press closes
  opened = { node, button };
  button.setAttribute("aria-expanded", "true");
  (document.querySelector("main") ?? document.body).append(node); // a landmark, as screen readers need it
  position(node, button.getBoundingClientRect());
  node.querySelector("a, button").focus();
  node.addEventListener("keydown", walk);
}

function position(node, at) {
  const { width, height } = node.getBoundingClientRect();
  const below = at.bottom + GAP + height <= innerHeight || at.top < height + GAP;
  node.style.top = `${below ? at.bottom + GAP : at.top - GAP - height}px`;
  node.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
}

function close() {
  if (!opened) return;
  const { node, button } = opened;
  opened = null;
  const focused = node.contains(document.activeElement);
  node.remove();
  button.removeAttribute("aria-expanded");
  if (focused) button.focus({ preventScroll: true });
}

function walk(event) {
  const items = [...event.currentTarget.querySelectorAll("a, button")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    close();
  } else if (to !== undefined) {
    event.preventDefault();
    items.at(to % items.length).focus();
  }
}

window.addEventListener("pointerdown", (event) => {
  if (opened && !opened.node.contains(event.target) && !opened.button.contains(event.target)) close();
});
window.addEventListener("resize", close);
window.addEventListener("scroll", (event) => opened && !opened.node.contains(event.target) && follow(), true);

// The menu goes where its button goes, as long as that can be seen.
function follow() {
  const at = opened.button.getBoundingClientRect();
  if (at.bottom < 0 || at.top > innerHeight) close();
  else position(opened.node, at);
}
