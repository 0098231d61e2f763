// The reader's texts for boxes, zoom, keys and search. As in texts.js: [en, zh].

export const READER = {
  "reader.json": ["JSON", "JSON"],
  "reader.copy.text": ["Copy the text of this page", "复制本页正文"],
  "reader.copy.raw": ["Copy the Markdown of this page", "复制本页 Markdown"],
  "reader.copy.json": ["Copy the JSON of this page", "复制本页 JSON"],
  "reader.copy.picture": ["Copy", "复制"],

  // ---- over the picture
  "reader.tools": ["Tools for the original page", "原页工具"],
  "reader.boxes": ["Boxes around what was found", "显示识别区域"],
  "reader.boxes.list": ["What was found on this page", "本页识别出的内容"],
  "reader.kind.title": ["Heading", "标题"],
  "reader.kind.text": ["Text", "文本"],
  "reader.kind.table": ["Table", "表格"],
  "reader.kind.figure": ["Figure", "图片"],
  "reader.kind.formula": ["Formula", "公式"],
  "reader.kind.code": ["Code", "代码"],
  "reader.kind.list": ["List", "列表"],
  "reader.kind.aside": ["Header, footer or margin", "页眉、页脚或边注"],
  "reader.zoom.in": ["Zoom in", "放大"],
  "reader.zoom.out": ["Zoom out", "缩小"],
  "reader.zoom.actual": [(n) => `Zoom: ${n} %. Set to 100 %`, (n) => `缩放：${n}%。设为 100%`],
  "reader.zoom.width": ["Fit the width", "适合宽度"],
  "reader.zoom.page": ["Fit the page", "适合页面"],

  // ---- the strip
  "reader.strip": ["Pages", "页面"],
  "reader.strip.switch": ["Strip of pages", "页面缩略图"],
  "reader.strip.page": [(n) => `Page ${n}`, (n) => `第 ${n} 页`],
  "reader.strip.failed": [(n) => `Page ${n}: not read completely`, (n) => `第 ${n} 页：未完整识别`],
  "reader.strip.redone": [(n) => `Page ${n}: read again`, (n) => `第 ${n} 页：已重新识别`],

  // ---- search
  "reader.search": ["Search in this document", "在文档中搜索"],
  "reader.search.hint": ["Words in this document", "搜索文档内容"],
  "reader.search.count": [
    (i, n, more) => `${i} of ${n}${more ? "+" : ""}`,
    (i, n, more) => `${i} / ${n}${more ? "+" : ""}`,
  ],
  "reader.search.none": ["Not found in the pages that are read", "在已转换的页面中未找到"],
  "reader.search.previous": ["Previous hit", "上一个结果"],
  "reader.search.next": ["Next hit", "下一个结果"],
  "reader.search.close": ["Close the search", "关闭搜索"],
  "reader.search.hits": ["Hits", "搜索结果"],
  "reader.search.hit": [(page, words) => `Page ${page}: ${words}`, (page, words) => `第 ${page} 页：${words}`],

  // ---- keys
  "reader.keys": ["Keys", "快捷键"],
  "reader.keys.close": ["Close", "关闭"],
  "reader.keys.turn": ["Previous or next page", "上一页或下一页"],
  "reader.keys.document": ["Next or previous document in the list", "列表中的下一个或上一个文档"],
  "reader.keys.zoom": ["Zoom in or out", "放大或缩小"],
  "reader.keys.actual": ["Zoom to 100 %", "缩放至 100%"],
  "reader.keys.fit": ["Fit the width or the page", "适合宽度或页面"],
  "reader.keys.boxes": ["Boxes on or off", "显示或隐藏识别区域"],
  "reader.keys.search": ["Search", "搜索"],
  "reader.keys.walk": ["From box to box, when one has the focus", "焦点位于识别区域时，移至上一个或下一个"],
  "reader.keys.help": ["This list", "本列表"],
  "reader.keys.escape": ["Close what is open", "关闭已打开的面板"],
};
