// Uploads: at most three at a time, each in a request of its own with its own progress and error.

import { emit, on, putTask, state } from "../common/hub.js";
import { t } from "../common/language.js";
import { select } from "../common/location.js";
import { framed } from "../common/panes.js";
import { pollNow } from "../common/poll.js";
import { address, Problem, problemOf } from "../common/server.js";
import { isHopeless } from "./collect.js";
import { pane } from "./state.js";

const AT_ONCE = 3;

window.addEventListener("beforeunload", (event) => {
  if (![...state.uploads.values()].some((upload) => !upload.error)) return;
  event.preventDefault();
  event.returnValue = t("upload.leave"); // older browsers
});

// What the connection broke off goes on by itself; its key keeps it from becoming two tasks.
on("connection", () => {
  if (state.connection !== "online") return;
  for (const item of state.uploads.values()) if (item.error?.code === "network") again(item);
});

// crypto.randomUUID exists on HTTPS and localhost only; the page is also served over a plain LAN.
function token() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
}

export function upload(/** @type {Found[]} */ files, /** @type {Record<string, string>} */ options) {
  for (const [index, { file, path }] of files.entries()) {
    pane.counter += 1;
    const id = `upload-${pane.counter}`;
    const limit = state.queue?.limits?.max_file_size;
    const error = isHopeless(file) ? unsupported() : limit && file.size > limit ? tooLarge(limit) : null;
    state.uploads.set(id, { id, file, path, options, key: token(), phase: "waiting", sent: 0, error, first: index === 0 });
  }
  emit("uploads");
  sendNext();
}

function tooLarge(/** @type {number} */ limit) {
  const megabytes = Math.round(limit / 2 ** 20);
  const message = `The file is larger than the ${megabytes} MB that this server accepts. Split it, or ask the administrator to raise max_file_size.`;
  return new Problem({ code: "file_too_large", message, retryable: false });
}

function unsupported() {
  const message = "This type of file cannot be converted. Send a document, a picture, or an archive of them.";
  return new Problem({ code: "file_type_unsupported", message, retryable: false });
}

export function dismiss(/** @type {Upload} */ item) {
  state.uploads.delete(item.id);
  item.request?.abort();
  emit("uploads");
}

export function again(/** @type {Upload} */ item) {
  Object.assign(item, { error: null, phase: "waiting", sent: 0 });
  emit("uploads");
  sendNext();
}

function sendNext() {
  for (const item of state.uploads.values()) {
    if (pane.sending >= AT_ONCE) return;
    if (item.phase === "waiting" && !item.error) send(item);
  }
}

function send(/** @type {Upload} */ item) {
  const form = new FormData();
  for (const [name, value] of Object.entries(item.options)) form.append(name, value);
  form.append("files", item.file, item.path);
  const request = new XMLHttpRequest();
  item.request = request;
  item.phase = "sending";
  pane.sending += 1;
  request.open("POST", address("api/v1/tasks"));
  request.setRequestHeader("Idempotency-Key", item.key); // trying again never makes a second task
  request.upload.onprogress = (event) => {
    item.sent = event.total ? event.loaded / event.total : 0;
    if (event.loaded === event.total) item.phase = "saving";
    emit("uploads");
  };
  request.onload = () => finish(item, request);
  request.onerror = () => fail(item, new Problem({ code: "network", message: t("upload.network"), retryable: true }));
  request.onloadend = () => {
    pane.sending -= 1;
    sendNext();
  };
  request.send(form);
  emit("uploads");
}

function finish(/** @type {Upload} */ item, /** @type {XMLHttpRequest} */ request) {
  let body = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // a proxy's own error page; the status says enough
  }
  if (request.status !== 201) return fail(item, problemOf(request.status, body));
  state.uploads.delete(item.id);
  for (const task of body.tasks) putTask(task);
  emit("uploads");
  emit("tasks");
  if (item.first && !state.selected && framed.matches) select(body.tasks[0].id);
  pollNow();
}

function fail(/** @type {Upload} */ item, /** @type {Problem} */ problem) {
  if (!state.uploads.has(item.id)) return;
  item.error = problem;
  item.phase = "failed";
  emit("uploads");
}
