// Location: task and page in the address, #task=ID&page=12. Reloading and sharing lead to the same page.

import { emit, state } from "./hub.js";

const address = { timer: 0 };

function read() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const page = Number(hash.get("page") ?? query.get("page"));
  return { task: hash.get("task") ?? query.get("task"), page: Number.isInteger(page) && page > 0 ? page : null };
}

/**
 * The address of a page, for links and for copying. The token must never be in it.
 * @param {string | null} task @param {number | null} [page]
 */
export function addressOf(task, page) {
  const target = new URL(location.href);
  for (const name of ["task", "page", "token"]) target.searchParams.delete(name);
  const hash = new URLSearchParams();
  if (task) hash.set("task", task);
  if (task && page) hash.set("page", String(page));
  target.hash = hash.toString();
  return target.href;
}

export function select(/** @type {string | null} */ task, /** @type {number | null} */ page = null) {
  if (task !== state.selected) history.pushState(null, "", addressOf(task, page));
  else if (page) history.replaceState(null, "", addressOf(task, page));
  adopt(task, page);
}

export function turnTo(/** @type {number} */ page) {
  if (page === state.page) return;
  state.page = page;
  history.replaceState(null, "", addressOf(state.selected, page));
  emit("page");
}

/** Somebody scrolled to that page. Browsers allow few changes of the address a second. @param {number} page */
export function passTo(page) {
  state.page = page;
  clearTimeout(address.timer);
  address.timer = setTimeout(() => history.replaceState(null, "", addressOf(state.selected, state.page)), 200);
}

function adopt(/** @type {string | null} */ task, /** @type {number | null} */ page) {
  state.selected = task;
  state.page = page;
  emit("selected");
}

export function startLocation() {
  const go = () => {
    const { task, page } = read();
    if (task !== state.selected || page !== state.page) adopt(task, page);
  };
  window.addEventListener("popstate", go);
  window.addEventListener("hashchange", go);
  go();
}
