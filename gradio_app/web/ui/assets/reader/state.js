// State of the reader: the document on the desk, its boxes, search, picture and strip.

import { remembered } from "../common/language.js";

export const VIEW = "mineru.view";
export const BESIDE = "mineru.beside";
export const ZOOM = "mineru.zoom";
export const LEVELS = [25, 33, 50, 67, 75, 90, 100, 125, 150, 200, 300, 400];
const VIEWS = /** @type {const} */ (["text", "raw", "json", "picture"]);

function storedZoom() {
  const stored = remembered(ZOOM);
  if (stored === "page") return stored;
  return LEVELS.includes(Number(stored)) ? Number(stored) : "width";
}

/** @type {ReaderState} */
export const pane = {
  part: Object.create(null),
  ready: false,
  tabs: [],
  renderText: () => {},
  view: VIEWS.find((name) => name === remembered(VIEW)) ?? "text",
  beside: remembered(BESIDE) !== "off",
  actual: "text",
  document: null,
  chosen: null,
  arrived: () => {},
  linked: () => {},
  opened: () => {},
  prepared: 0,
  records: { task: null, known: new Map(), loading: new Map(), wanted: [], timer: 0, stale: new Set() },
  flow: { stack: null, cells: [], heights: new Map(), usual: 700, known: true, writing: null, timer: 0 },
  boxes: new Map(),
  pieces: new Map(),
  owners: new WeakMap(),
  lit: null,
  asked: null,
  compared: null,
  other: { id: null, record: null, text: "" },
  search: { hits: [], more: false, also: [], wanted: null, at: -1, pending: false, request: null, timer: 0 },
  picture: { stack: null, zoom: storedZoom(), room: { width: 600, height: 800 }, sizes: new Map(), papers: new Map() },
  strip: { task: null, numbers: [], marks: new Map(), current: null, cells: new Map(), timer: 0, loading: 0 },
};

// Nodes that the page lays out around the frames.
export const desk = () => /** @type {HTMLElement} */ (document.getElementById("mo-right"));
export const written = () => /** @type {HTMLElement} */ (document.getElementById("mo-text"));
