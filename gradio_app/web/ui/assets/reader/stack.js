// Stack: a column of all pages, of which those in view exist, and one before and after. What is read stays in its place.

import { eachFrame } from "../common/dom.js";
import { framed } from "../common/panes.js";

const [PAD, GAP] = [16, 14];
// Until the browser says that it has glided where it was sent.
const GLIDE = 800;

export class Stack {
  /** @param {StackParts} parts */
  constructor(parts) {
    this.parts = parts;
    /** @type {number[]} */
    this.numbers = [];
    /** Where each page begins, and the end. */
    this.tops = [PAD];
    /** @type {Map<number, HTMLElement>} */
    this.cells = new Map();
    /** What is at the upper edge; `pixels` where the page's height is known. @type {Anchor} */
    this.anchor = { page: 0, share: 0, pixels: null };
    /** The page that was turned to, until somebody scrolls. @type {number | null} */
    this.held = null;
    this.expected = 0;
    this.width = 0;
    this.gliding = 0;
    const soon = eachFrame(() => this.scrolled());
    for (const scroller of [parts.node, window]) {
      scroller.addEventListener("scroll", soon, { passive: true });
      scroller.addEventListener("scrollend", () => (this.gliding = 0));
    }
    new ResizeObserver(() => this.resized()).observe(parts.node);
  }

  get total() {
    return this.tops[this.numbers.length] - GAP + PAD;
  }

  isShown() {
    return this.numbers.length > 0 && this.parts.column.getClientRects().length > 0;
  }

  /** The seen part: where it begins in the window, and how tall it is. */
  view() {
    const { node } = this.parts;
    if (framed.matches) return { begin: node.getBoundingClientRect().top, tall: node.clientHeight };
    const begin = Math.max(0, document.getElementById("mo-reader")?.getBoundingClientRect().bottom ?? 0);
    return { begin, tall: innerHeight - begin };
  }

  top() {
    return this.view().begin - this.parts.column.getBoundingClientRect().top;
  }

  setTop(/** @type {number} */ wanted, smooth = false, left = 0) {
    const scroller = framed.matches ? this.parts.node : window;
    this.gliding = smooth ? performance.now() + GLIDE : 0;
    // a head that stays at the top of the window has its place only after that
    for (let pass = 0; pass < (smooth || framed.matches ? 1 : 2); pass += 1) {
      const by = wanted - this.top();
      if (Math.abs(by) >= 1 || left) scroller.scrollBy({ top: by, left: pass ? 0 : left, behavior: smooth ? "smooth" : "instant" });
    }
    if (!smooth) this.expected = this.top();
  }

  // ---- places

  compute() {
    const { numbers, parts } = this;
    this.tops = [PAD];
    for (const [at, page] of numbers.entries()) this.tops.push(this.tops[at] + parts.height(page) + GAP);
    parts.column.style.height = `${numbers.length ? this.total : 0}px`;
  }

  /** Index of the page at a place. @param {number} y */
  at(y) {
    let [low, high] = [0, this.numbers.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @param {number} y @returns {Place} */
  placeAt(y) {
    const at = this.at(y);
    return { page: this.numbers[at], share: (y - this.tops[at]) / (this.tops[at + 1] - this.tops[at]) };
  }

  /** @param {Place} place */
  topOf({ page, share }) {
    const at = Math.max(0, this.numbers.indexOf(page));
    return this.tops[at] + share * (this.tops[at + 1] - this.tops[at]);
  }

  // The line that is read: the upper edge, which glides to the lower one on the last screen, so that the end is reached too.
  ramp() {
    const { tall } = this.view();
    const most = Math.max(0, this.total - tall);
    const from = Math.max(0, most - tall);
    return { tall, from, range: most - from };
  }

  /** What is read now, to be found in another stack. */
  place() {
    const { tall, from, range } = this.ramp();
    const top = this.top();
    return this.placeAt(top > from && range ? top + (tall * (top - from)) / range : top);
  }

  /** The page that is read. */
  page() {
    if (this.held !== null) return this.held;
    const { tall } = this.view();
    const read = this.topOf(this.place());
    return this.placeAt(Math.min(read + Math.max(0, Math.min(this.top(), tall / 4)), this.total)).page;
  }

  // ---- moves

  /** @param {number[]} numbers */
  setPages(numbers) {
    if (numbers.length === this.numbers.length && numbers[0] === this.numbers[0] && numbers.at(-1) === this.numbers.at(-1)) return;
    this.numbers = numbers;
    this.changed(false);
  }

  /** Shows the top of a page. @param {number} page */
  goTo(page) {
    this.anchor = { page, share: 0, pixels: null };
    this.held = page;
    this.changed(false);
  }

  /** Shows what another stack shows. @param {Place} place */
  follow(place) {
    if (!this.isShown()) return;
    const { tall, from, range } = this.ramp();
    const y = this.topOf(place);
    this.held = null;
    this.setTop(y <= from || !range ? y : from + ((y - from) * range) / (range + tall));
    this.fix();
    this.draw();
  }

  /** Brings a piece of a page to the middle, unless it is in view. @param {Element} piece */
  reveal(piece, smooth = true) {
    const { begin, tall } = this.view();
    const seen = this.parts.node.getBoundingClientRect();
    const box = piece.getBoundingClientRect();
    const above = box.top >= begin && box.bottom <= begin + tall ? 0 : box.top - begin - Math.max(0, (tall - box.height) / 2);
    const beside = box.left >= seen.left && box.right <= seen.right ? 0 : box.left - seen.left - Math.max(0, (seen.width - box.width) / 2);
    if (!above && !beside) return;
    this.held = null;
    this.setTop(this.top() + above, smooth, framed.matches ? beside : 0);
    if (!smooth) this.scrolled(true);
  }

  /** What is in the middle stays there while sizes change. @param {() => void} change */
  keepMiddle(change) {
    const middle = this.view().tall / 2;
    const place = this.placeAt(this.top() + middle);
    change();
    this.compute();
    if (!this.isShown()) return;
    this.setTop(this.topOf(place) - middle);
    this.fix();
    this.draw();
  }

  fix() {
    const top = this.top();
    const { page, share } = this.placeAt(top);
    this.anchor = { page, share, pixels: top - this.tops[this.at(top)] };
  }

  scrolled(forced = false) {
    if (!this.isShown()) return;
    const top = this.top();
    // at the end the browser scrolls back by itself when what stands there becomes shorter
    const atEnd = top < this.expected && top + this.view().tall >= this.total - 2;
    if (this.held !== null && atEnd) this.expected = top;
    const own = !forced && Math.abs(top - this.expected) < 2;
    if (!own) {
      this.expected = top;
      this.held = null;
      this.fix();
    }
    this.draw();
    if (!own) this.parts.moved(performance.now() < this.gliding);
  }

  /** Heights are others: what is at the upper edge stays there. `known`: that page had its height already. */
  changed(known = true) {
    this.compute();
    if (!this.isShown()) {
      this.draw();
      return;
    }
    const { page, share, pixels } = this.anchor;
    const begin = this.topOf({ page, share: 0 });
    const rests = performance.now() >= this.gliding;
    if (rests) this.setTop(known && pixels !== null ? begin + pixels : share ? this.topOf({ page, share }) : begin - PAD);
    this.draw();
    // pages that were drawn below the end before made room for more than there is
    if (rests) this.expected = this.top();
  }

  resized() {
    const { clientWidth } = this.parts.node;
    if (clientWidth && clientWidth !== this.width) {
      this.width = clientWidth;
      this.parts.resized();
    }
    this.changed(false);
  }

  // ---- cells

  draw() {
    const { numbers, tops, cells, parts } = this;
    const shown = this.isShown();
    const top = shown ? this.top() : 0;
    const first = Math.max(0, this.at(top) - 1);
    const last = Math.min(numbers.length - 1, this.at(top + this.view().tall) + 1);
    const wanted = shown ? numbers.slice(first, last + 1) : [];
    for (const page of [...cells.keys()]) {
      if (wanted.includes(page)) continue;
      cells.delete(page);
      parts.close(page);
    }
    for (const [index, page] of wanted.entries()) {
      const cell = cells.get(page) ?? this.open(page);
      cell.style.top = `${tops[first + index]}px`;
    }
  }

  // In the order of pages also for the keyboard, for screen readers and for selections.
  open(/** @type {number} */ page) {
    const cell = this.parts.open(page);
    const next = [...this.cells.keys()].filter((other) => other > page);
    this.parts.column.insertBefore(cell, this.cells.get(Math.min(...next)) ?? null);
    this.cells.set(page, cell);
    return cell;
  }
}
