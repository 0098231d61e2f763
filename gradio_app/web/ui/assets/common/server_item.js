// Row of a machine or a model server: lamp, name, state, work, and why it failed.

import { el } from "./dom.js";

export const serverItem = (/** @type {ServerWords} */ { condition, name, state, work, where, why, lang }) =>
  el(
    "li",
    { class: "mo-server", "data-engine": condition },
    el("span", { class: "mo-lamp", "aria-hidden": "true" }),
    el("strong", {}, name),
    el("span", { class: "mo-server-state" }, state),
    el("span", { class: "mo-server-work" }, work),
    where ? el("span", { class: "mo-server-card" }, where) : null,
    why ? el("span", { class: "mo-server-why", lang }, why) : null,
  );
