// Makes a page's Markdown fit to be shown here. It is sanitised after this, by Gradio's own Markdown.

import { t } from "./language.js";
import { taskAddress } from "./server.js";

// Beyond this many characters rendering would freeze the tab.
const LONGEST = 200_000;

const PICTURE = /!\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;
const PICTURE_TAG = /<img\b[^>]*?\bsrc\s*=\s*(["']?)([^"'\s>]+)\1[^>]*>/gi;
const OWN = /^(?:\.?\/)?(images\/[^?#]+)/;

export function prepare(markdown, taskId) {
  const cut = markdown.length > LONGEST;
  const text = cut ? markdown.slice(0, markdown.lastIndexOf("\n\n", LONGEST) + 1 || LONGEST) : markdown;
  const shown = text
    .replace(PICTURE, (_, alt, target) => {
      const address = own(target, taskId);
      return address ? `![${alt}](${address})` : elsewhere(alt, target);
    })
    .replace(PICTURE_TAG, (_, quote, target) => {
      const address = own(target, taskId);
      return address ? `<img src="${address}" alt="">` : elsewhere("", target);
    });
  return { text: shown, cut };
}

// The address of a picture of this result; null for anything else.
function own(target, taskId) {
  const match = OWN.exec(target);
  return match ? new URL(taskAddress(taskId, `/files/${match[1]}`)).pathname : null;
}

// A picture on another server would tell that server who reads: it is named, not loaded.
function elsewhere(alt, target) {
  const host = /^(?:https?:)?\/\/([\w.-]+)/i.exec(target)?.[1];
  return host ? `*(${t("reader.external", host)})*` : alt.replace(/[<>[\]]/g, "");
}
