// Where the reader is, kept in the address: #task=ID&page=12. Reloading and sharing land at the same place.

import { state, tell } from "./hub.js";

function read() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const page = Number(hash.get("page") ?? query.get("page"));
  return { task: hash.get("task") ?? query.get("task"), page: Number.isInteger(page) && page > 0 ? page : null };
}

// The address of a place, for links and for copying. The token must never be in it.
export function addressOf(task, page) {
  const target = new URL(location.href);
  for (const name of ["task", "page", "token"]) target.searchParams.delete(name);
  const hash = new URLSearchParams();
  if (task) hash.set("task", task);
  if (task && page) hash.set("page", page);
  target.hash = hash.toString();
  return target.href;
}

export function select(task, page = null) {
  if (task !== state.selected) history.pushState(null, "", addressOf(task, page));
  adopt(task, page);
}

export function turnTo(page) {
  if (page === state.page) return;
  state.page = page;
  history.replaceState(null, "", addressOf(state.selected, page));
  tell("page");
}

function adopt(task, page) {
  state.selected = task;
  state.page = page;
  tell("selected");
}

export function startPlace() {
  const go = () => {
    const { task, page } = read();
    if (task !== state.selected || page !== state.page) adopt(task, page);
  };
  window.addEventListener("popstate", go);
  window.addEventListener("hashchange", go);
  go();
}
