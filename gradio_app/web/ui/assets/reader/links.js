// Links to a document: its address for those who may sign in to it, and secret ones for anybody until their end.

import { copy } from "../common/copy.js";
import { locale, t } from "../common/language.js";
import { addressOf } from "../common/location.js";
import { openChoices } from "../common/menu.js";
import { attempt, notify } from "../common/notice.js";
import { address, call, post, taskPath } from "../common/server.js";

const DAYS = [1, 7, 30];

const day = (/** @type {number} */ unix) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(unix * 1000);

/** @param {HTMLElement} button @param {Task} task @param {number | null} page @param {boolean} readable */
export async function openLinks(button, task, page, readable) {
  await attempt(async () => {
    const { links } = readable ? /** @type {LinkList} */ (await call(taskPath(task.id, "/links"))) : { links: [] };
    const make = DAYS.map((days) => [t("link.make", days), () => attempt(() => share(button, task.id, days))]);
    const end = links.map(({ id, until }) => [t("link.end", day(until)), () => attempt(() => unshare(task.id, id))]);
    const own = [t("link.address"), () => copy(addressOf(task.id, page), button)];
    openChoices(button, t("reader.link"), /** @type {[string, () => void][]} */ ([own, ...(readable ? make : []), ...end]));
  });
}

/** @param {HTMLElement} button @param {string} id @param {number} days */
async function share(button, id, days) {
  const { path } = await post(taskPath(id, "/links"), { days });
  await copy(address(path), button);
}

/** @param {string} id @param {string} link */
async function unshare(id, link) {
  await post(taskPath(id, `/links/${link}/end`));
  notify(t("link.ended"));
}
