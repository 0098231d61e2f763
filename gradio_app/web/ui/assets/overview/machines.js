// Machines of a cluster: what each does, and why one does not take part.

import { show } from "../common/dom.js";
import { join, moment } from "../common/format.js";
import { t } from "../common/language.js";
import { serverItem } from "../common/server_item.js";

// A machine's lamp is that of an engine in a like state.
/** @type {Partial<Record<Machine["status"], EngineStatus>>} */
const LAMP = { joining: "starting", refused: "failed", lost: "failed" };

/**
 * The answer of /api/v1/cluster; where there is no cluster the section stays hidden.
 * @param {HTMLElement} section @param {HTMLElement} list @param {HTMLElement} problem @param {Cluster} cluster
 */
export function drawMachines(section, list, problem, cluster) {
  show(section, cluster.address !== "");
  problem.textContent = cluster.error;
  show(problem, cluster.error !== "");
  list.replaceChildren(...cluster.machines.map(makeMachine));
}

function makeMachine(/** @type {Machine} */ machine) {
  const { slots, busy } = machine;
  const room = (slots.compute ?? 0) + (slots.vision ?? 0);
  const reading = busy.compute + busy.vision;
  const works = machine.status === "ready";
  const work = join(
    works && (room ? t("machines.shards", reading, slots.compute ?? 0) : t("machines.idle")),
    works && (slots.vision ?? 0) > 0 && t("machines.vision"),
    machine.pages > 0 && t("machines.pages", machine.pages),
    !works && machine.since && moment(machine.since),
  );
  const named = machine.id && machine.name;
  return serverItem({
    condition: LAMP[machine.status] ?? (reading ? "reading" : "ready"),
    name: machine.name || machine.address,
    state: machine.id ? t(`machines.${machine.status}`) : t("machines.here"),
    work,
    where: named ? join(machine.address, ...machine.cards.map(({ name }) => name)) : "",
    why: machine.why,
    lang: "en",
  });
}
