// Collector of documents in what was dropped, chosen or pasted; it walks through folders.

const MAX_FILES = 10000;

// Nothing in such files can be read: they are refused before they are sent.
const NEVER = new Set("aac ai apk avi bin class dll dmg exe flac flv iso jar m4a mkv mov mp3 mp4 msi ogg psd pyc so wav webm wma wmv".split(" "));

export const isHopeless = (/** @type {File} */ file) => NEVER.has(suffix(file.name));

const suffix = (/** @type {string} */ name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();
// The server's list of file types (base/file_types.py) stands in the page's head.
const types = () => document.querySelector('meta[name="mo-file-types"]')?.getAttribute("content") ?? "";
/** @param {File} file */
const isHidden = (file) => file.name.startsWith(".") || file.name.startsWith("~$") || file.name === "Thumbs.db";

/**
 * What a person named one by one is sent as it is: the server says what is wrong with it.
 * @param {FileList} files @returns {Collected}
 */
export const chosen = (files) => ({ files: [...files].map((file) => ({ file, path: file.name })), skipped: 0 });

/** A folder holds all sorts of things: only documents are taken. @param {FileList} files */
export const fromFolder = (files) =>
  documents([...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));

/** @param {Found[]} found @returns {Collected} */
function documents(found) {
  const visible = found.filter(({ file, path }) => !isHidden(file) && !/(^|\/)[.]/.test(path));
  const readable = new Set(types().split(" "));
  const known = visible.filter(({ file }) => file.name.includes(".") && readable.has(suffix(file.name)));
  return { files: known.slice(0, MAX_FILES), skipped: visible.length - Math.min(known.length, MAX_FILES) };
}

export async function dropped(/** @type {DataTransfer} */ transfer) {
  // entries must be taken at once: after the first await the browser has emptied the list
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = items.map((item) => item.getAsFile());
  const result = /** @type {Collected} */ ({ files: [], skipped: 0 });
  for (const [index, entry] of entries.entries()) {
    if (!entry?.isDirectory) {
      const file = plain[index];
      if (file) result.files.push({ file, path: file.name });
      continue;
    }
    const inside = /** @type {Found[]} */ ([]);
    await walk(entry, inside);
    const { files, skipped } = documents(inside);
    result.files.push(...files);
    result.skipped += skipped;
  }
  return result;
}

async function walk(/** @type {FileSystemEntry} */ entry, /** @type {Found[]} */ into) {
  if (into.length >= MAX_FILES) return;
  if (entry.isFile) {
    /** @type {File | null} */
    const file = await new Promise((done) => /** @type {FileSystemFileEntry} */ (entry).file(done, () => done(null)));
    if (file) into.push({ file, path: entry.fullPath.replace(/^\/+/, "") });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  while (into.length < MAX_FILES) {
    // a reader gives at most 100 entries at a time
    /** @type {FileSystemEntry[]} */
    const batch = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!batch.length) return;
    for (const child of batch) if (!child.name.startsWith(".")) await walk(child, into);
  }
}
