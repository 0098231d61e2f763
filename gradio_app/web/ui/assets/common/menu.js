// Menus: small windows at a button, for downloads, choices and the question before deleting. One is open at a time.

import { all, closest, el, targetOf } from "./dom.js";
import { t } from "./language.js";
import { taskAddress } from "./server.js";

const FORMATS = ["markdown", "zip", "docx", "html", "latex", "epub", "json", "docling"];
const GAP = 4;

const menu = { opened: /** @type {{ node: HTMLElement, button: HTMLElement } | null} */ (null) };

export function openDownloads(/** @type {HTMLElement} */ button, /** @type {Task | undefined} */ task) {
  if (!task) return;
  const link = (/** @type {string} */ href, /** @type {string} */ format) =>
    el("a", { role: "menuitem", href: taskAddress(task.id, href), download: "", onclick: close }, t(`format.${format}`));
  const links = FORMATS.map((format) => link(`/result?format=${format}&pictures=true`, format));
  const source = link("/source", "source");
  source.className = "mo-menu-last";
  openAt(button, el("div", { class: "mo-menu", role: "menu", "aria-label": t("row.download") }, ...links, source));
}

/** Choices: [text, what to do]. @param {HTMLElement} button @param {string} label @param {[string, () => void][]} choices */
export function openChoices(button, label, choices) {
  const items = choices.map(([text, act]) =>
    el("button", { type: "button", role: "menuitem", onclick: closing(act) }, text),
  );
  const title = el("p", { class: "mo-menu-title", role: "presentation" }, label);
  openAt(button, el("div", { class: "mo-menu", role: "menu", "aria-label": label }, title, ...items));
}

/** @param {HTMLElement} button @param {string} name @param {() => void} confirmed */
export const askDelete = (button, name, confirmed) => ask(button, t("row.delete.ask", name), t("row.delete"), confirmed);

/**
 * A question whose one answer cannot be undone.
 * @param {HTMLElement} button @param {string} question @param {string} answer @param {() => void} confirmed
 */
export function ask(button, question, answer, confirmed) {
  const yes = el("button", { type: "button", class: "mo-button mo-danger", onclick: closing(confirmed) }, answer);
  openAt(button, el("div", { class: "mo-menu mo-ask", role: "dialog", "aria-label": question }, el("p", {}, question), yes));
}

/**
 * A small form.
 * @param {HTMLElement} button @param {string} label @param {HTMLElement[]} fields @param {string} answer @param {() => void} confirmed
 */
export function openForm(button, label, fields, answer, confirmed) {
  const yes = el("button", { type: "button", class: "mo-button mo-yes", onclick: closing(confirmed) }, answer);
  openAt(button, el("div", { class: "mo-menu mo-pane mo-ask", role: "dialog", "aria-label": label }, el("p", {}, label), ...fields, yes));
}

const closing = (/** @type {() => void} */ act) => () => {
  close();
  act();
};

function openAt(/** @type {HTMLElement} */ button, /** @type {HTMLElement} */ node) {
  const same = menu.opened?.button === button;
  close();
  if (same) return; // a second press closes
  menu.opened = { node, button };
  button.setAttribute("aria-expanded", "true");
  (document.querySelector("main") ?? document.body).append(node); // a landmark, as screen readers need it
  position(node, button.getBoundingClientRect());
  items(node)[0].focus();
  node.addEventListener("keydown", walk);
}

function position(/** @type {HTMLElement} */ node, /** @type {DOMRect} */ at) {
  const { width, height } = node.getBoundingClientRect();
  const below = at.bottom + GAP + height <= innerHeight || at.top < height + GAP;
  node.style.top = `${below ? at.bottom + GAP : at.top - GAP - height}px`;
  node.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
}

function close() {
  if (!menu.opened) return;
  const { node, button } = menu.opened;
  menu.opened = null;
  const focused = node.contains(document.activeElement);
  node.remove();
  button.removeAttribute("aria-expanded");
  if (focused) button.focus({ preventScroll: true });
}

const items = (/** @type {HTMLElement} */ node) => all(node, "a, button, select, input");

function walk(/** @type {KeyboardEvent} */ event) {
  const found = items(/** @type {HTMLElement} */ (event.currentTarget));
  const to = targetOf(event, found.indexOf(/** @type {HTMLElement} */ (document.activeElement)), found.length);
  const typing = closest(event, "select, input") && event.key !== "Escape";
  if (typing || (event.key === "Tab" && found.length > 1 && found.some((node) => node.matches("select, input")))) return;
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    close();
  } else if (to !== undefined) {
    event.preventDefault();
    found.at(to % found.length)?.focus();
  }
}

/** Whether something happens outside the menu and its button. @param {Event} event */
const isOutside = ({ target }) =>
  Boolean(menu.opened && target instanceof Node && !menu.opened.node.contains(target));

window.addEventListener("pointerdown", (event) => {
  if (isOutside(event) && !menu.opened?.button.contains(/** @type {Node} */ (event.target))) close();
});
window.addEventListener("resize", follow); // also when the keyboard of a phone comes
window.addEventListener("scroll", (event) => isOutside(event) && follow(), true);

// The menu goes where its button goes, as long as that can be seen.
function follow() {
  if (!menu.opened) return;
  const at = menu.opened.button.getBoundingClientRect();
  if (at.bottom < 0 || at.top > innerHeight) close();
  else position(menu.opened.node, at);
}
