// The texts for a page that is read again. As in texts.js: [en, zh].

export const AGAIN = {
  "again.redo": ["Read this page again", "重新识别本页"],
  "again.ask": [(n) => `Read page ${n} again with:`, (n) => `重新识别第 ${n} 页，使用：`],
  "again.waits": [
    (n, tier, place) => `Page ${n} waits to be read again: ${tier}${place ? `, place ${place}` : ""}.`,
    (n, tier, place) => `第 ${n} 页等待重新识别：${tier}${place ? `，第 ${place} 位` : ""}。`,
  ],
  "again.runs": [(n, tier) => `Page ${n} is being read again: ${tier}.`, (n, tier) => `正在重新识别第 ${n} 页：${tier}。`],
  "again.done": [
    (n, tier) => `Page ${n} was read again: ${tier}. Which one is better?`,
    (n, tier) => `第 ${n} 页已重新识别：${tier}。哪个更好？`,
  ],
  "again.failed": [
    (n, tier, why) => `Page ${n} could not be read again (${tier}). ${why}`,
    (n, tier, why) => `第 ${n} 页重新识别失败（${tier}）。${why}`,
  ],
  "again.cancelled": [
    (n, tier) => `Reading page ${n} again was cancelled (${tier}).`,
    (n, tier) => `第 ${n} 页的重新识别已取消（${tier}）。`,
  ],
  "again.now": ["In the document", "文档中的内容"],
  "again.new": [(tier) => `Read again: ${tier}`, (tier) => `重新识别：${tier}`],
  "again.keep": ["Use the new one", "采用新结果"],
  "again.drop": ["Leave it as it was", "保留原结果"],
  "again.stop": ["Stop", "停止"],
  "again.dismiss": ["Dismiss", "关闭"],
  "again.kept": [(n) => `Page ${n} was replaced in the document.`, (n) => `文档中的第 ${n} 页已替换。`],
  "again.pages": [(pages) => `read again: ${pages}`, (pages) => `已重新识别：${pages}`],
};
