// Model servers, where there are several: the card of each, what it does, and why it failed.

import { join } from "../common/format.js";
import { explain, t } from "../common/language.js";
import { serverItem } from "../common/server_item.js";
import { pane } from "./state.js";
import { condition, title } from "./words.js";

/**
 * Whether there is something to draw.
 * @param {HTMLElement} list @param {ModelServer[]} servers @param {Card[]} cards
 */
export function drawServers(list, servers, cards) {
  const several = servers.length > 1;
  const names = cards.map(({ uuid, index, name }) => [uuid, index, name]);
  const words = JSON.stringify([t("engine.servers"), several && servers, names]);
  const shown = several ? servers : [];
  if (words !== pane.drawnServers) list.replaceChildren(...shown.map((server, at) => makeServer(server, at + 1, cards)));
  pane.drawnServers = words;
  return several;
}

/** @param {ModelServer} server @param {number} number @param {Card[]} cards */
function makeServer(server, number, cards) {
  const used = cards.filter(({ uuid }) => (server.cards ?? []).includes(uuid));
  return serverItem({
    condition: condition(server),
    name: t("engine.server", number),
    state: title(server),
    work: join(
      server.in_flight > 0 && t("engine.server.reading", server.in_flight),
      server.waiting > 0 && t("engine.server.waiting", server.waiting),
      server.counts.crashes > 0 && t("engine.count.crashes", server.counts.crashes),
    ),
    where: used.map(({ index, name }) => t("engine.server.card", index, name)).join(", ") || server.name,
    why: server.status === "failed" ? explain(server.error) : "",
  });
}
