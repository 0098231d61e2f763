// Virtual list: of its rows only those near the visible ones are in the document. Rows are made once and moved, not
// made again; the others are a box of the same height.

import { el } from "../common/dom.js";

const CHUNK = 40;
const AHEAD = "900px 0px";
const GUESS = 60; // height of a row that was never seen

/** @param {HTMLElement} scroller @param {ListRows} rows @returns {List} */
export function makeList(scroller, { label, rowOf, forget }) {
  const node = el("div", { class: "mo-rows", role: "list", "aria-labelledby": label });
  const chunks = /** @type {Chunk[]} */ ([]);
  let ids = /** @type {string[]} */ ([]);
  let height = GUESS;

  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const chunk = chunks.find((one) => one.node === target);
        if (!chunk || chunk.near === isIntersecting) continue;
        chunk.near = isIntersecting;
        drawChunk(chunk);
        sweep(chunk);
      }
    },
    { root: scroller, rootMargin: AHEAD },
  );

  function addChunk() {
    const box = el("div", { role: "presentation", class: "mo-chunk" });
    const chunk = { node: box, at: chunks.length, near: chunks.length === 0, filled: false, own: new Set() };
    chunks.push(chunk);
    node.append(chunk.node);
    watch.observe(chunk.node);
  }

  function dropChunk() {
    const chunk = chunks.pop();
    if (!chunk) return;
    empty(chunk, []);
    watch.unobserve(chunk.node);
    chunk.node.remove();
  }

  function drawChunk(/** @type {Chunk} */ chunk) {
    const own = ids.slice(chunk.at * CHUNK, (chunk.at + 1) * CHUNK);
    // a row with the focus stays, however far the list is scrolled
    if (chunk.near || !own.length || chunk.node.contains(document.activeElement)) fill(chunk, own);
    else empty(chunk, own);
  }

  function fill(/** @type {Chunk} */ chunk, /** @type {string[]} */ own) {
    let next = chunk.node.firstElementChild;
    own.forEach((id, index) => {
      const row = rowOf(id);
      if (!row) return;
      row.update();
      row.node.setAttribute("aria-posinset", String(chunk.at * CHUNK + index + 1));
      row.node.setAttribute("aria-setsize", String(ids.length));
      if (row.node === next) next = next.nextElementSibling;
      else keepingFocus(row.node, () => chunk.node.insertBefore(row.node, next));
    });
    chunk.own = new Set(own);
    chunk.filled = true;
    chunk.node.style.height = "";
  }

  function empty(/** @type {Chunk} */ chunk, /** @type {string[]} */ own) {
    if (chunk.filled && chunk.node.childElementCount) {
      const measured = chunk.node.getBoundingClientRect().height;
      if (measured) height = measured / chunk.node.childElementCount;
      for (const row of rowsIn(chunk)) leave(row);
    }
    chunk.filled = false;
    chunk.node.style.height = `${Math.round(own.length * height)}px`;
  }

  /** Takes away what belongs elsewhere and was not moved there. @param {Chunk} chunk */
  function sweep(chunk) {
    if (chunk.filled) for (const row of rowsIn(chunk)) if (!chunk.own.has(idOf(row))) leave(row);
  }

  function leave(/** @type {HTMLElement} */ row) {
    if (row.contains(document.activeElement)) (neighbour(row) ?? scroller).focus({ preventScroll: true });
    row.remove();
    forget(idOf(row));
  }

  return {
    node,
    reveal(id) {
      const chunk = chunks[Math.floor(ids.indexOf(id) / CHUNK)];
      if (!chunk) return;
      chunk.near = true;
      drawChunk(chunk);
      rowOf(id)?.node.scrollIntoView({ block: "nearest" });
    },
    draw(next) {
      ids = next;
      while (chunks.length < Math.ceil(ids.length / CHUNK)) addChunk();
      // from the end: rows that move down are taken before their place is
      for (const chunk of [...chunks].reverse()) drawChunk(chunk);
    },
    sweep() {
      chunks.forEach(sweep);
      while (chunks.length > Math.ceil(ids.length / CHUNK)) dropChunk();
    },
  };
}

const rowsIn = (/** @type {Chunk} */ chunk) => /** @type {HTMLElement[]} */ ([...chunk.node.children]);

const idOf = (/** @type {HTMLElement} */ row) => row.dataset.id ?? "";

/** @param {HTMLElement} row @returns {HTMLElement | null | undefined} */
const neighbour = (row) => (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("a[href], button, input");

/** Moving a node takes the focus from what is inside it. @param {HTMLElement} node @param {() => void} move */
function keepingFocus(node, move) {
  const focused = document.activeElement;
  const inside = focused instanceof HTMLElement && node.contains(focused);
  move();
  if (inside) focused.focus({ preventScroll: true });
}
