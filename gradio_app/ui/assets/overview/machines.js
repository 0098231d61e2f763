// The machines of a cluster: what each does, and why one does not take part.

import { el, show } from "../common/dom.js";
import { join, moment } from "../common/format.js";
import { t } from "../common/language.js";

// A machine's lamp is that of an engine in a like state.
const LAMP = { joining: "starting", refused: "failed", lost: "failed" };

// The answer of /api/v1/cluster; where there is no cluster the section stays hidden.
export function drawMachines(section, list, trouble, cluster) {
  show(section, cluster.address !== "");
  trouble.textContent = cluster.error;
  show(trouble, cluster.error !== "");
  list.replaceChildren(...cluster.machines.map(makeMachine));
}

function makeMachine(machine) {
  const { slots, busy } = machine;
  const room = (slots.compute ?? 0) + (slots.vision ?? 0);
  const reading = busy.compute + busy.vision;
  const works = machine.status === "ready";
  const work = join(
    works && (room ? t("machines.parts", reading, slots.compute ?? 0) : t("machines.idle")),
    works && slots.vision > 0 && t("machines.vision"),
    machine.pages > 0 && t("machines.pages", machine.pages),
    !works && machine.since && moment(machine.since),
  );
  return el(
    "li",
    { class: "mo-server", "data-engine": LAMP[machine.status] ?? (reading ? "reading" : "ready") },
    el("span", { class: "mo-lamp", "aria-hidden": "true" }),
    el("strong", {}, machine.name || machine.address),
    el("span", { class: "mo-server-state" }, machine.id ? t(`machines.${machine.status}`) : t("machines.here")),
    el("span", { class: "mo-server-work" }, work),
    machine.id && machine.name ? el("span", { class: "mo-server-card" }, join(machine.address, ...machine.cards.map(({ name }) => name))) : null,
    machine.why ? el("span", { class: "mo-server-why", lang: "en" }, machine.why) : null,
  );
}
