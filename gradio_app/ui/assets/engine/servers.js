// The model servers, where there are several: each with its card, what it does, and why it failed.

import { el } from "../common/dom.js";
import { condition, title } from "./words.js";
import { join } from "../common/format.js";
import { explain, t } from "../common/language.js";

let drawn = "";

// Whether there is something to draw.
export function drawServers(list, servers, cards) {
  const several = servers.length > 1;
  const words = JSON.stringify([t("engine.servers"), several && servers, cards.map(({ uuid, index, name }) => [uuid, index, name])]);
  if (words !== drawn) list.replaceChildren(...(several ? servers.map((server, at) => makeServer(server, at + 1, cards)) : []));
  drawn = words;
  return several;
}

function makeServer(server, number, cards) {
  const used = cards.filter(({ uuid }) => (server.cards ?? []).includes(uuid));
  const where = used.map(({ index, name }) => t("engine.server.card", index, name)).join(", ") || server.name;
  const work = join(
    server.in_flight > 0 && t("engine.server.reading", server.in_flight),
    server.waiting > 0 && t("engine.server.waiting", server.waiting),
    server.counts.crashes > 0 && t("engine.count.crashes", server.counts.crashes),
  );
  return el(
    "li",
    { class: "mo-server", "data-engine": condition(server) },
    el("span", { class: "mo-lamp", "aria-hidden": "true" }),
    el("strong", {}, t("engine.server", number)),
    el("span", { class: "mo-server-state" }, title(server)),
    el("span", { class: "mo-server-work" }, work),
    where ? el("span", { class: "mo-server-card" }, where) : null,
    why(server),
  );
}

function why(server) {
  if (server.status !== "failed" || !server.error) return null;
  const text = explain(server.error);
  return el("span", { class: "mo-server-why" }, text);
}
