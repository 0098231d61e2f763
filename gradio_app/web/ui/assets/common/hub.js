// State that all panes share, and the bus that announces its changes. Panes never call each other for them.

/** @type {SharedState} */
export const state = {
  tasks: new Map(),
  uploads: new Map(),
  queue: null,
  engine: null,
  gpu: null,
  selected: null,
  page: null,
  counts: {},
  mine: {},
  loaded: false,
  connection: "starting",
  language: "en",
  skew: 0,
};

const bus = new EventTarget();

/** @template {keyof Topics} K @param {K} topic @param {(detail: Topics[K]) => void} listener */
export const on = (topic, listener) =>
  bus.addEventListener(topic, (event) => listener(/** @type {CustomEvent} */ (event).detail));

/** @template {keyof Topics} K @param {K} topic @param {Topics[K]} [detail] */
export const emit = (topic, detail) => bus.dispatchEvent(new CustomEvent(topic, { detail }));

// The server's time now, in seconds.
export const now = () => (Date.now() + state.skew) / 1000;

export const ACTIVE = /** @type {Set<string>} */ (new Set(["pending", "queued", "processing", "cancelling"]));
export const READABLE = /** @type {Set<string>} */ (new Set(["completed", "partial"]));
export const RETRYABLE = /** @type {Set<string>} */ (new Set(["partial", "failed", "cancelled"]));
export const TIERS = ["flash", "basic", "standard", "advanced"];

// Tiers that are read with the vision model.
export const VISION = ["standard", "advanced"];

/** The page reader that the engine serves in place of MinerU's own model, which is named like a tier; else empty. */
export const otherReader = () => {
  const { kind, reader = "mineru" } = state.engine ?? {};
  return kind === "none" || reader === "mineru" ? "" : reader;
};

/** Whether this server can read by a tier, as far as is known. @param {string} tier */
export const canRun = (tier) => !VISION.includes(tier) || (state.engine?.kind !== "none" && !otherReader());

/** What a page can be read by here, the best last. */
export const offered = () => [...TIERS.filter(canRun), otherReader()].filter(Boolean);

export const isActive = (/** @type {Task} */ task) => ACTIVE.has(task.status);

// A broken file stays so; a password can be given, and missing models be installed meanwhile.
const MENDABLE = ["file_encrypted", "password_wrong", "models_missing", "file_without_text"];

/** Whether trying again as before may help. @param {Task} task */
export const worthRetry = ({ status, error }) =>
  RETRYABLE.has(status) && (status !== "failed" || !error || error.retryable || MENDABLE.includes(error.code));

/** Of somebody else, and shown without its name. @param {Task} task */
export const isForeign = (task) => !task.mine && !task.name;

/** Whether a change ended its task. @param {TaskChange} change */
export const hasEnded = ({ task, before }) => Boolean(before && isActive(before) && !isActive(task));

/** The task in the reader, if the page knows it. */
export const selectedTask = () => state.tasks.get(state.selected ?? "");

export function putTask(/** @type {Task} */ task) {
  const known = state.tasks.get(task.id);
  if (known && known.rev > task.rev) return;
  if (isForeign(task) && !isActive(task)) {
    dropTask(task.id); // others' documents are shown while they stand in the queue
    return;
  }
  task.seen = Date.now();
  state.tasks.set(task.id, task);
  emit("task", { task, before: known });
}

export function dropTask(/** @type {string} */ id) {
  if (state.tasks.delete(id)) emit("gone", id);
}

/** The queue sends less of the engine than /gpu/status: the rest stays. @param {Partial<Engine>} engine */
export function putEngine(engine) {
  state.engine = /** @type {Engine} */ ({ ...state.engine, ...engine });
  emit("engine");
}

export function setConnection(/** @type {Connection} */ next) {
  if (state.connection === next) return;
  state.connection = next;
  emit("connection");
}
