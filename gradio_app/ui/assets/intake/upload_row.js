// One file on its way to the server: how much is sent, or why it was not taken.

import { el, icon, setIcon, setLabel, setText, show } from "../common/dom.js";
import { size } from "../common/format.js";
import { explain, t } from "../common/language.js";
import { again, dismiss } from "./upload.js";

export function makeUploadRow(item) {
  const parts = build(item);
  parts.again.onclick = () => again(item);
  parts.dismiss.onclick = () => dismiss(item);
  return { node: parts.node, isActive: false, update: () => draw(parts, item) };
}

function build(item) {
  const parts = {
    icon: el("span", { class: "mo-row-icon" }),
    state: el("strong", { class: "mo-row-state" }),
    bar: el("div", { class: "mo-progress", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, el("i")),
    error: el("p", { class: "mo-row-error" }),
    again: el("button", { type: "button", class: "mo-tool" }, icon("retry")),
    dismiss: el("button", { type: "button", class: "mo-tool" }, icon("close")),
  };
  const folder = item.path.slice(0, item.path.length - item.file.name.length);
  const words = [el("span", { class: "mo-row-folder" }, folder), el("span", { class: "mo-row-base" }, item.file.name)];
  const name = el("span", { class: "mo-row-name", title: item.path }, ...words);
  const main = el(
    "div",
    { class: "mo-row-main" },
    el("div", { class: "mo-row-head" }, name),
    el("div", { class: "mo-row-line" }, parts.state),
    parts.bar,
  );
  const actions = el("div", { class: "mo-row-actions" }, parts.again, parts.dismiss);
  const lead = el("span", { class: "mo-row-lead" }, parts.icon);
  parts.node = el(
    "div",
    { class: "mo-row mo-upload", role: "listitem", "data-id": item.id },
    lead,
    main,
    actions,
    parts.error,
  );
  return parts;
}

function draw(parts, item) {
  const { name, size: bytes } = item.file;
  const percent = Math.round(item.part * 100);
  parts.node.dataset.status = item.error ? "failed" : item.phase === "waiting" ? "queued" : "processing";
  setIcon(parts.icon, item.error ? "failed" : "upload");
  setText(parts.state, phase(item, percent, bytes));
  show(parts.bar, !item.error && item.phase !== "waiting");
  parts.bar.firstElementChild.style.width = `${percent}%`;
  parts.bar.setAttribute("aria-valuenow", String(percent));
  parts.bar.setAttribute("aria-label", t("row.progress"));
  show(parts.error, Boolean(item.error));
  setText(parts.error, item.error ? explain(item.error) : "");
  show(parts.again, Boolean(item.error?.retryable));
  setLabel(parts.again, t("row.of", t("row.retry"), name));
  setLabel(parts.dismiss, t("row.of", t(item.error ? "upload.dismiss" : "row.cancel"), name));
}

function phase(item, percent, bytes) {
  if (item.error) return t("upload.failed");
  if (item.phase === "waiting") return t("upload.waiting");
  if (item.phase === "saving") return t("upload.saving");
  return t("upload.sending", percent, size(bytes * item.part), size(bytes));
}
