// Plural forms of English words, with their numbers.

export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const number = (n) => n.toLocaleString("en");

export const documents = (n) => `${number(n)} ${n === 1 ? "document" : "documents"}`;

export function ordinal(n) {
  const rest = n % 100;
  const suffix = rest > 10 && rest < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th";
  return `${n}${suffix}`;
}
