// Texts of the intake and the uploads: [English, Chinese].

import { plural } from "../common/plural.js";

/** @type {Texts} */
export const INTAKE = {
  "intake.title": ["Drop documents anywhere", "把文档拖放到任意位置"],
  "intake.title.touch": ["Add documents", "添加文档"],
  "intake.hint": ["PDF, pictures, Office, HTML, EPUB, text, mails, zip. Converted right away.", "支持 PDF、图片、Office、HTML、EPUB、文本、邮件、zip，上传后立即转换。"],
  "intake.more": ["Text, tables, formulas and pictures become Markdown, page by page. Read along while the rest is converted. Close the tab whenever you like: nothing is lost.", "文字、表格、公式和图片逐页转换为 Markdown。转换过程中即可阅读，随时可以关闭页面，不会丢失。"],
  "intake.files": ["Choose files", "选择文件"],
  "intake.folder": ["Folder", "文件夹"],
  "intake.example": ["Try an example", "试用示例文档"],
  "intake.example.name": ["Example.pdf", "示例.pdf"],
  "intake.options": ["Options for the next documents", "后续文档的选项"],
  "intake.tier": ["Quality", "精度"],
  "intake.tier.auto": ["Auto: best per page", "自动：按页选择"],
  "intake.tier.flash": ["Flash: fastest, text layer", "极速：使用文本层"],
  "intake.tier.basic": ["Basic: scans and tables", "基础：扫描件与表格"],
  "intake.tier.standard": ["Standard: vision model", "标准：视觉模型"],
  "intake.tier.advanced": ["Advanced: most thorough", "高级：最精细"],
  "intake.pages": ["Pages", "页码"],
  "intake.pages.all": ["all, or 1-5,8", "全部，或 1-5,8"],
  "intake.pages.help": ["Such as 1-5,8 or r2-r1 for the last two. Empty: all.", "例如 1-5,8；r2-r1 表示最后两页；留空为全部。"],
  "intake.pages.bad": ["Write pages as 1-5,8,10-12. r1 is the last page.", "页码写法：1-5,8,10-12；r1 表示最后一页。"],
  "intake.ocr": ["OCR", "OCR"],
  "intake.ocr.auto": ["Auto", "自动"],
  "intake.ocr.txt": ["Off: text layer", "关闭：文本层"],
  "intake.ocr.ocr": ["Always", "始终"],
  "intake.drop": ["Drop to convert", "松开即可转换"],
  "intake.drop.hint": ["Files and whole folders", "支持文件和整个文件夹"],
  "intake.skipped": [(n) => `${plural(n, "file was", "files were")} skipped: unsupported type.`, (n) => `已跳过 ${n} 个文件：不是可转换的文档类型。`],
  "intake.none": ["No document was found that can be converted.", "没有找到可转换的文档。"],
  "intake.fix": ["Nothing was uploaded: the page range is wrong. Correct it, then try again.", "未上传：页码范围有误。请先修正，然后重试。"],
  "intake.tier.other": [(tier, reader) => `${tier} (the engine serves ${reader})`, (tier, reader) => `${tier}（引擎提供 ${reader}）`],
  "intake.tier.missing": [(tier) => `${tier} (no engine here)`, (tier) => `${tier}（无引擎）`],

  // ---- uploads
  "upload.waiting": ["Waiting to upload", "等待上传"],
  "upload.sending": [(part, sent, size) => `Uploading · ${part} % · ${sent} of ${size}`, (part, sent, size) => `上传中 · ${part}% · ${sent} / ${size}`],
  "upload.saving": ["Uploaded · being saved", "已上传，正在保存"],
  "upload.failed": ["Not uploaded", "未上传"],
  "upload.dismiss": ["Dismiss", "关闭"],
  "upload.network": ["The connection broke off. Try again.", "连接中断，请重试。"],
  "upload.leave": ["Files are still uploading.", "文件仍在上传。"],
};
