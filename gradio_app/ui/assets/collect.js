// Finds documents in what was dropped, chosen or pasted; folders are walked through.

const KINDS = new Set(
  ("pdf png jpg jpeg jp2 webp gif bmp tif tiff doc docx ppt pptx xls xlsx odt ods odp ofd rtf html htm csv tsv epub " +
    "md txt").split(" "),
);
const MAX_FILES = 5000;

const suffix = (name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();
const isKnown = (file) => file.name.includes(".") && KINDS.has(suffix(file.name));
const isHidden = (file) => file.name.startsWith(".") || file.name.startsWith("~$") || file.name === "Thumbs.db";

// What a person named one by one is sent as it is: the server says what is wrong with it.
export const chosen = (files) => ({ files: [...files], skipped: 0 });

// A folder holds all sorts of things: only documents are taken.
export function fromFolder(files) {
  const visible = [...files].filter((file) => !isHidden(file));
  const known = visible.filter(isKnown);
  return { files: known, skipped: visible.length - known.length };
}

export async function dropped(transfer) {
  // entries must be taken at once: after the first await the browser has emptied the list
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = items.map((item) => item.getAsFile());
  const result = { files: [], skipped: 0 };
  for (const [index, entry] of entries.entries()) {
    if (!entry?.isDirectory) {
      if (plain[index]) result.files.push(plain[index]);
      continue;
    }
    const inside = [];
    await walk(entry, inside);
    const { files, skipped } = fromFolder(inside);
    result.files.push(...files);
    result.skipped += skipped;
  }
  return result;
}

async function walk(entry, into) {
  if (into.length >= MAX_FILES) return;
  if (entry.isFile) {
    const file = await new Promise((done) => entry.file(done, () => done(null)));
    if (file) into.push(file);
    return;
  }
  const reader = entry.createReader();
  while (into.length < MAX_FILES) {
    // a reader gives at most 100 entries at a time
    const batch = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!batch.length) return;
    for (const child of batch) await walk(child, into);
  }
}
