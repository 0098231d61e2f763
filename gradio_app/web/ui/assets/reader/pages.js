// Pages of a document: their numbers, what is known of them, and their records.

import { call, codeOf, taskPath } from "../common/server.js";

const PICTURED = new Set("pdf png jpg jpeg webp gif bmp tif tiff jp2".split(" "));

/** The page numbers of a task, in order: all, or those that its page range selects. @param {Task} task */
export function pageNumbers(task) {
  const total = /^(pdf|zip|eml|msg)$/.test(task.kind) ? Math.min(task.pages_total, task.source_pages) : task.pages_total;
  const picked = task.page_range && total ? resolve(task.page_range, total, task.source_pages) : null;
  return picked ?? Array.from({ length: total }, (_, index) => index + 1);
}

/**
 * Null when the range counts from the end and the length of the file is not known.
 * @param {string} range @param {number} total @param {number} length of the file; 0 when it is not known
 */
function resolve(range, total, length) {
  if (range.includes("r") && !length) return null;
  const number = (/** @type {string} */ text) => (text.startsWith("r") ? length + 1 - Number(text.slice(1)) : Number(text));
  const found = /** @type {Set<number>} */ (new Set());
  for (const span of range.split(",")) {
    const [first, last = first] = span.split("-").map(number);
    // no more than `total` pages were found, so what lies further away is beyond the end
    const end = Math.min(last, Math.max(1, first) + total - 1, length || Infinity);
    for (let page = Math.max(1, first); page <= end; page += 1) found.add(page);
  }
  return [...found].sort((a, b) => a - b).slice(0, total);
}

/** What there is to know of single pages: "failed" when not read completely, "redone" when read again. @param {Task} task */
export function pageMarks(task) {
  const marks = new Map();
  for (const page of spelled(task.receipt?.failed_pages ?? "")) marks.set(page, "failed");
  for (const page of spelled(task.redone)) marks.set(page, "redone");
  return marks;
}

/** "3,7-9" -> 3, 7, 8, 9 @param {string} text */
function spelled(text) {
  return text.split(",").flatMap((span) => {
    const [first, last = first] = span.split("-").map(Number);
    return span ? Array.from({ length: last - first + 1 }, (_, index) => first + index) : [];
  });
}

/** Whether the server can draw pages of this document. @param {Task} task */
export function hasPictures(task) {
  const kind = task.kind || task.name.slice(task.name.lastIndexOf(".") + 1).toLowerCase();
  return PICTURED.has(kind);
}

/**
 * The page's record, or null when it is not there (not done yet, or failed).
 * @param {Task} task @param {number} page @param {AbortSignal} [signal] @returns {Promise<Page | null>}
 */
export async function loadPage(task, page, signal) {
  try {
    return await call(taskPath(task.id, `/pages/${page}`), { signal });
  } catch (error) {
    if (codeOf(error) === "not_found") return null;
    throw error;
  }
}
