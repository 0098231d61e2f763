// Plural forms of English words, with their numbers.

/** @param {number} n @param {string} one @param {string} many */
export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const number = (/** @type {number} */ n) => n.toLocaleString("en");

export const documents = (/** @type {number} */ n) => `${number(n)} ${n === 1 ? "document" : "documents"}`;

export function ordinal(/** @type {number} */ n) {
  const suffix = n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] ?? "th";
  return `${n}${suffix}`;
}
