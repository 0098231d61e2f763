// Row of a file on its way to the server: how much is sent, or why it was refused.

import { copyOf, setIcon, setLabel, setText, show } from "../common/dom.js";
import { size } from "../common/format.js";
import { explain, t } from "../common/language.js";
import { pane } from "./state.js";
import { again, dismiss } from "./upload.js";

/** @param {Upload} item @returns {Row} */
export function makeUploadRow(item) {
  const parts = /** @type {UploadParts} */ (copyOf(pane.part.row));
  parts.node.dataset.id = item.id;
  parts.name.title = item.path;
  setText(parts.folder, item.path.slice(0, item.path.length - item.file.name.length));
  setText(parts.base, item.file.name);
  parts.again.onclick = () => again(item);
  parts.dismiss.onclick = () => dismiss(item);
  return { node: parts.node, isActive: false, update: () => draw(parts, item) };
}

function draw(/** @type {UploadParts} */ parts, /** @type {Upload} */ item) {
  const { name } = item.file;
  parts.node.dataset.status = item.error ? "failed" : item.phase === "waiting" ? "queued" : "processing";
  setIcon(parts.icon, item.error ? "failed" : "upload");
  setText(parts.state, phase(item));
  show(parts.bar, !item.error && item.phase !== "waiting");
  const percent = Math.round(item.sent * 100);
  parts.done.style.width = `${percent}%`;
  parts.bar.setAttribute("aria-valuenow", String(percent));
  parts.bar.setAttribute("aria-label", t("row.progress"));
  show(parts.error, Boolean(item.error));
  setText(parts.error, explain(item.error));
  show(parts.again, Boolean(item.error?.retryable));
  setLabel(parts.again, t("row.of", t("row.retry"), name));
  setLabel(parts.dismiss, t("row.of", t(item.error ? "upload.dismiss" : "row.cancel"), name));
}

function phase(/** @type {Upload} */ { error, phase: now, sent, file }) {
  if (error) return t("upload.failed");
  if (now === "waiting") return t("upload.waiting");
  if (now === "saving") return t("upload.saving");
  return t("upload.sending", Math.round(sent * 100), size(file.size * sent), size(file.size));
}
