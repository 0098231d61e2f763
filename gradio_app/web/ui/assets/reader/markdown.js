// Preparation of a page's Markdown for Gradio's own Markdown, which sanitises it.

import { t } from "../common/language.js";
import { taskAddress } from "../common/server.js";
import { pane } from "./state.js";

// Beyond this many characters rendering would freeze the tab.
const LONGEST = 200_000;

const PICTURE = /!\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;
const PICTURE_TAG = /<img\b[^>]*?\bsrc\s*=\s*(["']?)([^"'\s>]+)\1[^>]*>/gi;
// A formula, or a dollar that begins none.
const FORMULA = /\$\$[\s\S]*?\$\$|\$(?!\s)[^$\n]*?[^\s$]\$(?!\d)|\$/g;
const OWN = /^(?:\.?\/)?(images\/[^?#]+)/;

// No document can know this beginning of the marks, so none can pretend to be a piece of the page.
const SECRET = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);

/**
 * The text of a page, whether its end was left out, and by which mark each block's text begins there.
 * @param {Page} record @param {string} taskId @returns {Prepared}
 */
export function prepare(record, taskId, linked = true) {
  /** @type {{ id: string | null, text: string }[]} */
  const pieces = (linked && piecesOf(record)) || [{ id: null, text: record.markdown }];
  const mark = `mo-at-${SECRET}-${(pane.prepared += 1)}`;
  const marks = new Map();
  // by the first one it is seen that the text was written
  const shown = [`<div class="mo-at ${mark}"></div>`];
  let length = 0;
  for (const { id, text } of pieces) {
    if (length >= LONGEST) break;
    if (id !== null) {
      marks.set(id, `${mark}-${marks.size}`);
      // an element of its own kind: it ends what stands before, and is never part of a paragraph
      shown.push(`<div class="mo-at ${marks.get(id)}"></div>`);
    }
    shown.push(withDollars(withPictures(upTo(LONGEST - length, text), taskId)));
    length += text.length + 2;
  }
  return { text: shown.join("\n\n"), cut: record.markdown.length > LONGEST, mark, marks };
}

/** Null when the blocks are not the whole text. @param {Page} record */
function piecesOf(record) {
  const pieces = record.blocks
    .filter((block) => !block.auxiliary && block.markdown.trim())
    .map((block) => ({ id: block.id, text: block.markdown.replace(/^\n+|\n+$/g, "") }));
  return pieces.map((piece) => piece.text).join("\n\n") === record.markdown ? pieces : null;
}

/** @param {number} most @param {string} text */
const upTo = (most, text) => (text.length > most ? text.slice(0, text.lastIndexOf("\n\n", most) + 1 || most) : text);

// Gradio looks for formulas over the whole page, whatever is escaped: one price would make a formula of all
// that follows. In code, where a reference would be seen as such, nothing is changed.
function withDollars(/** @type {string} */ text) {
  const odd = (text.replaceAll("\\$", "").split("$").length - 1) % 2;
  if (text.includes("`")) return text;
  const plain = text.replaceAll("\\$", "&#36;");
  return odd ? plain.replace(FORMULA, (found) => (found === "$" ? "&#36;" : found)) : plain;
}

function withPictures(/** @type {string} */ text, /** @type {string} */ taskId) {
  return text
    .replace(PICTURE, (_, alt, target) => {
      const address = own(target, taskId);
      return address ? `![${alt}](${address})` : elsewhere(alt, target);
    })
    .replace(PICTURE_TAG, (_, _quote, target) => {
      const address = own(target, taskId);
      return address ? `<img src="${address}" alt="">` : elsewhere("", target);
    });
}

/** The address of a picture of this result; null for anything else. @param {string} target @param {string} taskId */
function own(target, taskId) {
  const match = OWN.exec(target);
  return match ? new URL(taskAddress(taskId, `/files/${match[1]}`)).pathname : null;
}

// Loading a picture from another server would show that server who reads: it is named, not loaded.
function elsewhere(/** @type {string} */ alt, /** @type {string} */ target) {
  const host = /^(?:https?:)?\/\/([\w.-]+)/i.exec(target)?.[1];
  return host ? `*(${t("reader.external", host)})*` : alt.replace(/[<>[\]]/g, "");
}
