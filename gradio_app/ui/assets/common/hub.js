// What the page knows, and who wants to be told when it changes. Panes never call each other.

export const state = {
  tasks: new Map(), // id -> task as the server sent it, plus `seen`: when, by our clock
  uploads: new Map(), // id -> upload that has no task yet
  queue: null, // the server's view of the whole queue
  engine: null, // the model server: its state in a word, and all of it once /gpu/status was asked
  gpu: null, // the cards and the last hour, plus `seen`: when, by our clock
  selected: null, // id of the task in the reader
  page: null, // page that the reader shows
  counts: {}, // by status, of what the list's search finds
  mine: {}, // by status, of my own documents
  loaded: false, // whether the first rows have come
  connection: "starting", // starting | online | offline | signed-out
  skew: 0, // server's clock minus ours, in milliseconds
};

const bus = new EventTarget();

// Topics: task ({ task, before }), gone (id), tasks, counts, view, view-asked, picks, reveal (id), uploads, queue, engine, gpu, open-engine, open-overview, selected, page, connection,
// language, tick
export const on = (topic, listener) => bus.addEventListener(topic, (event) => listener(event.detail));
export const tell = (topic, detail) => bus.dispatchEvent(new CustomEvent(topic, { detail }));

// The server's time now, in seconds.
export const now = () => (Date.now() + state.skew) / 1000;

export const ACTIVE = new Set(["pending", "queued", "processing", "cancelling"]);
export const READABLE = new Set(["completed", "partial"]);
export const RETRYABLE = new Set(["partial", "failed", "cancelled"]);

export const isActive = (task) => ACTIVE.has(task.status);
// Of somebody else, and shown without its name.
export const isForeign = (task) => !task.mine && !task.name;

export function putTask(task) {
  const known = state.tasks.get(task.id);
  if (known && known.rev > task.rev) return;
  if (isForeign(task) && !isActive(task)) {
    dropTask(task.id); // others' documents are shown while they stand in the queue
    return;
  }
  task.seen = Date.now();
  state.tasks.set(task.id, task);
  tell("task", { task, before: known });
}

export function dropTask(id) {
  if (state.tasks.delete(id)) tell("gone", id);
}

// The queue tells less about the engine than /gpu/status: what it does not tell stays.
export function putEngine(engine) {
  state.engine = { ...state.engine, ...engine };
  tell("engine");
}

export function setConnection(next) {
  if (state.connection === next) return;
  state.connection = next;
  tell("connection");
}
