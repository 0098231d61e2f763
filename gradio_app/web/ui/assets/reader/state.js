// State of the reader: the document on the desk, its boxes, search, picture and strip.

import { remembered } from "../common/language.js";

export const VIEW = "mineru.view";
export const BESIDE = "mineru.beside";
export const ZOOM = "mineru.zoom";
export const LEVELS = [25, 33, 50, 67, 75, 90, 100, 125, 150, 200, 300, 400];
/** @type {Shown} */
export const NOTHING = Object.freeze({ key: null, record: null, text: "", mark: null, marks: new Map() });

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
  shown: NOTHING,
  turned: false,
  loading: null,
  source: null,
  prepared: 0,
  boxes: new Map(),
  pieces: new Map(),
  owners: new WeakMap(),
  lit: null,
  boxed: null,
  asked: null,
  compared: null,
  other: { id: null, record: null, text: "" },
  search: { hits: [], more: false, also: [], wanted: null, at: -1, pending: false, request: null, timer: 0 },
  picture: { timer: 0, zoom: storedZoom(), size: { width: 595, height: 842 }, wanted: null }, // A4
  strip: { task: null, numbers: [], marks: new Map(), current: null, cells: new Map(), timer: 0, loading: 0 },
};

// Nodes that the page lays out around the frames.
export const desk = () => /** @type {HTMLElement} */ (document.getElementById("mo-right"));
export const written = () => /** @type {HTMLElement} */ (document.getElementById("mo-text"));
// The text of a page, and that of its second reading beside it.
export const texts = () => [written(), /** @type {HTMLElement} */ (document.getElementById("mo-second"))];
