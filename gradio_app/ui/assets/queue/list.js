// A long list of rows of which only those near the eye are in the document. Rows are made once and moved, not made
// again; what is out of sight is a box of the same height.

import { el } from "../common/dom.js";

const CHUNK = 40;
const AHEAD = "900px 0px";
const GUESS = 60; // height of a row that was never seen

// rowOf(id) -> { node, update() } or null; forget(id) is called when a row leaves the document.
export function makeList(scroller, { label, rowOf, forget }) {
  const node = el("div", { class: "mo-rows", role: "list", "aria-labelledby": label });
  const chunks = [];
  let ids = [];
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
    const chunk = { node: el("div", { role: "presentation", class: "mo-chunk" }), at: chunks.length, near: chunks.length === 0, filled: false, own: new Set() };
    chunks.push(chunk);
    node.append(chunk.node);
    watch.observe(chunk.node);
  }

  function dropChunk() {
    const chunk = chunks.pop();
    empty(chunk, []);
    watch.unobserve(chunk.node);
    chunk.node.remove();
  }

  function drawChunk(chunk) {
    const own = ids.slice(chunk.at * CHUNK, (chunk.at + 1) * CHUNK);
    // who stands in a row keeps it, however far the list is scrolled
    if (chunk.near || !own.length || chunk.node.contains(document.activeElement)) fill(chunk, own);
    else empty(chunk, own);
  }

  function fill(chunk, own) {
    let next = chunk.node.firstElementChild;
    own.forEach((id, index) => {
      const row = rowOf(id);
      if (!row) return;
      row.update();
      place(row.node, chunk.at * CHUNK + index + 1);
      if (row.node === next) next = next.nextElementSibling;
      else keepingFocus(row.node, () => chunk.node.insertBefore(row.node, next));
    });
    chunk.own = new Set(own);
    chunk.filled = true;
    chunk.node.style.height = "";
  }

  function empty(chunk, own) {
    if (chunk.filled && chunk.node.childElementCount) {
      const measured = chunk.node.getBoundingClientRect().height;
      if (measured) height = measured / chunk.node.childElementCount;
      for (const child of [...chunk.node.children]) leave(child);
    }
    chunk.filled = false;
    chunk.node.style.height = `${Math.round(own.length * height)}px`;
  }

  function place(row, position) {
    row.setAttribute("aria-posinset", String(position));
    row.setAttribute("aria-setsize", String(ids.length));
  }

  // Takes away what belongs elsewhere and was not moved there.
  function sweep(chunk) {
    if (chunk.filled) for (const child of [...chunk.node.children]) if (!chunk.own.has(child.dataset.id)) leave(child);
  }

  function leave(child) {
    if (child.contains(document.activeElement)) (neighbour(child) ?? scroller).focus({ preventScroll: true });
    child.remove();
    forget(child.dataset.id);
  }

  return {
    node,
    // Scrolls so that a row is seen, if it is one of these.
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
    // after all lists were drawn: a row that has gone to another one is there by now
    sweep() {
      chunks.forEach(sweep);
      while (chunks.length > Math.ceil(ids.length / CHUNK)) dropChunk();
    },
  };
}

const neighbour = (row) => (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("a[href], button, input");

// Moving a node takes the focus from what is inside it.
function keepingFocus(node, move) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  move();
  focused?.focus({ preventScroll: true });
}
