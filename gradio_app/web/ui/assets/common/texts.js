// Dictionary of the page: its own texts and those of all panes, by key: [English, Chinese]. A function takes values.

import { CODE } from "../code/texts.js";
import { ENGINE } from "../engine/texts.js";
import { INTAKE } from "../intake/texts.js";
import { OVERVIEW } from "../overview/texts.js";
import { QUEUE } from "../queue/texts.js";
import { READER } from "../reader/texts.js";
import { documents, number } from "./plural.js";

/** @type {Texts} */
export const TEXTS = {
  ...CODE,
  ...ENGINE,
  ...INTAKE,
  ...OVERVIEW,
  ...QUEUE,
  ...READER,

  // ---- bar
  "bar.skip": ["Skip to the documents", "跳到文档列表"],
  "bar.skip.reader": ["Skip to the open document", "跳到打开的文档"],
  "bar.add": ["Add", "添加"],
  "bar.add.label": ["Add documents", "添加文档"],
  "bar.running": [(n) => `${n} running`, (n) => `${n} 个进行中`],
  "bar.waiting": [(n) => `${n} waiting`, (n) => `${n} 个排队`],
  "bar.idle": ["Ready", "就绪"],
  "bar.paused": ["Paused", "已暂停"],
  "bar.draining": ["Restarting…", "正在重启…"],
  "bar.problems": [(all) => all[0], (all) => `${all.length} 个问题，详见日志：${all[0]}`],
  "bar.offline": ["No connection to the server. Trying again…", "无法连接服务器，正在重试…"],
  "bar.signin": ["Your session has ended. Reload the page to sign in.", "登录已失效，请重新加载页面并登录。"],
  "bar.loading": ["Connecting…", "正在连接…"],
  "bar.pause": ["Pause the queue", "暂停队列"],
  "bar.resume": ["Resume the queue", "恢复队列"],
  "bar.language": ["Language", "语言"],
  "bar.theme.system": ["Colours: as the system. Switch to light", "配色：跟随系统。切换为浅色"],
  "bar.theme.light": ["Colours: light. Switch to dark", "配色：浅色。切换为深色"],
  "bar.theme.dark": ["Colours: dark. Switch to system", "配色：深色。切换为跟随系统"],
  "bar.user": ["Signed in as", "当前用户"],
  "bar.leave": ["Sign out", "退出登录"],

  // ---- notes on a result
  "notes.on": [(pages, text) => `Page${/\D/.test(pages) ? "s" : ""} ${pages}: ${text}`, (pages, text) => `第 ${pages} 页：${text}`],
  "notes.more": [(first, n) => `${first} (and ${n} more)`, (first, n) => `${first}（另有 ${n} 条）`],

  // ---- bell
  "bell.on": ["Tell me when my documents are done: on", "文档完成时通知：已开启"],
  "bell.off": ["Tell me when my documents are done: off", "文档完成时通知：已关闭"],
  "bell.denied": ["The browser does not allow notices from this page. Allow them in its settings for this site.", "浏览器未允许本页发送通知，请在浏览器的网站设置中允许。"],
  "bell.told": ["You get a notice when your documents are done while this tab is in the background.", "当此标签页在后台时，文档完成后会通知您。"],
  "bell.one.done": [(name) => `${name} is done`, (name) => `${name} 已完成`],
  "bell.one.failed": [(name) => `${name} has failed`, (name) => `${name} 失败`],
  "bell.many": [(done, failed) => [done && `${documents(done)} done`, failed && `${number(failed)} failed`].filter(Boolean).join(", "), (done, failed) => [done && `${number(done)} 个文档已完成`, failed && `${number(failed)} 个失败`].filter(Boolean).join("，")],

  // ---- notices for screen readers
  "say.done": [(name) => `${name} is done.`, (name) => `${name} 已完成。`],
  "say.failed": [(name) => `${name} has failed.`, (name) => `${name} 失败。`],
  "say.cancelled": [(name) => `${name} is cancelled.`, (name) => `${name} 已取消。`],
  "say.deleted": [(name) => `${name} is deleted.`, (name) => `${name} 已删除。`],

  // ---- times and sizes
  "time.seconds": [(n) => `${n} s`, (n) => `${n} 秒`],
  "time.minutes": [(m, s) => (s ? `${m} min ${s} s` : `${m} min`), (m, s) => (s ? `${m} 分 ${s} 秒` : `${m} 分钟`)],
  "time.hours": [(h, m) => (m ? `${h} h ${m} min` : `${h} h`), (h, m) => (m ? `${h} 小时 ${m} 分` : `${h} 小时`)],
  "time.moment": ["a few seconds", "几秒"],
  "time.about": [(time) => `about ${time}`, (time) => `约 ${time}`],
  "time.now": ["just now", "刚刚"],
  "time.ago": [(n) => `${n} min ago`, (n) => `${n} 分钟前`],

  // ---- download formats
  "format.markdown": ["Markdown with pictures", "Markdown（含图片）"],
  "format.zip": ["Everything as ZIP", "全部内容 ZIP"],
  "format.docx": ["Word (DOCX)", "Word（DOCX）"],
  "format.html": ["HTML, in one file", "HTML（单个文件）"],
  "format.latex": ["LaTeX with pictures", "LaTeX（含图片）"],
  "format.epub": ["EPUB", "EPUB"], "format.docling": ["Docling (JSON)", "Docling（JSON）"],
  "format.json": ["JSON", "JSON"],
  "format.source": ["The original file", "原始文件"],
};

/** In English the server's own sentences are shown, which have the details, but for these: here one says what the page can do. @type {Record<string, string>} */
export const ERRORS_EN = {
  file_without_text: "The pages are pictures of text, and this server has no models that read them. Ask the administrator to add them (on the server: ./start_mineru_optimized.sh models --source builtin), then try again.",
  models_missing: "This quality needs a vision model, and this server has none. Choose Auto under “Try again with…”, or ask the administrator to add one (on the server: ./start_mineru_optimized.sh models).",
};

/** Sentences for error codes in Chinese. @type {Record<string, string>} */
export const ERRORS_ZH = {
  internal_error: "服务器内部出错，详情见日志。请重试，或联系管理员。",
  file_empty: "文件为空（0 字节）。请确认文件已完整保存后重新上传。",
  file_type_unsupported: "不支持该类型的文件。支持 PDF、图片、Office 文件、网页、表格、文本、邮件和包含这些文件的 zip 压缩包。",
  file_encrypted: "该文档需要密码才能打开。请输入密码后重试，或另存一份不带密码的副本后上传。",
  password_wrong: "密码不正确，无法打开该文档。请核对密码后重试。",
  file_corrupt: "文件已损坏，或内容与扩展名不符。请在本机打开并重新保存后上传。",
  file_without_text: "页面是文字的图片，而服务器没有识别文字的模型。请让管理员安装（在服务器上运行 ./start_mineru_optimized.sh models --source builtin），然后重试。",
  file_too_large: "文件超过服务器允许的大小。请拆分文件，或联系管理员提高上限。",
  too_many_files: "一次上传的文件过多，请分批上传。",
  too_many_pages: "文档页数超过服务器上限。请指定页码范围，或拆分文档。",
  page_range_invalid: "页码范围无效。写法：1-5,8,10-12；r1 表示最后一页；留空为全部。",
  option_invalid: "某个选项的值无效。",
  models_missing: "该精度需要视觉模型，而本服务器没有。请在“换个方式重试”中选择“自动”，或让管理员安装（在服务器上运行 ./start_mineru_optimized.sh models）。",
  engine_unavailable: "视觉模型引擎不可用：可能正在启动、正忙或未安装。请稍后重试，详情见顶部的引擎面板。",
  gpu_out_of_memory: "显存不足。请关闭占用显卡的其他程序，或选择更小的配置。",
  worker_crashed: "读取该文档的进程多次崩溃，文档可能已损坏。",
  worker_out_of_memory: "读取该文档所需内存超过限制。请减少页数，或联系管理员提高 worker_memory_limit。",
  task_timeout: "读取该文档超时。请减少页数，或联系管理员提高 task_timeout。",
  disk_full: "服务器磁盘空间不足，暂不接收新文档；进行中的任务不受影响。请删除旧文档或联系管理员。",
  quota_exceeded: "您的队列已满。请等待部分任务完成，或取消一些任务。",
  unauthorized: "请先登录：打开服务器启动时打印的带令牌的地址。",
  forbidden: "您没有此操作的权限。",
  not_found: "内容不存在、已删除，或属于其他人。",
  conflict: "任务当前状态下无法执行此操作。",
  storage_unavailable: "服务器暂时无法写入数据文件夹。任何内容都不会丢失，恢复后会自动继续，请一分钟后重试。",
  server_busy: "服务器当前打开的连接或进程过多，请一分钟后重试。",
  request_timeout: "上传速度过慢，已中止。请检查网络连接后重新发送。",
  shutting_down: "服务器正在重启，暂不接收新文档，请几秒后重试。",
  network: "无法连接服务器，请检查网络后重试。",
};

/** Sentences for the codes of notes in Chinese; in English the server's own, as above. @type {Record<string, string>} */
export const NOTES_ZH = {
  no_text: "文档中没有可读取的文字。",
  pages_without_text: "页面上有内容，但结果中没有其文字。请换用更高的档位重试。",
  text_left_out: "部分可见文字不在结果中。请对照原页检查。",
  hidden_text: "文件中含有不可见的文字，一般不收入结果，请对照页面核对。",
  attachments_not_converted: "文档中的部分附件或文件未转换。请单独上传。",
  formulas_without_values: "部分单元格只有公式而没有数值。请在表格软件中打开并保存后重新上传。",
  script_unsupported: "此处无法读取该语言或文字。请换用带视觉模型的档位。",
  encoding_guessed: "文字编码为推测结果，请检查是否有乱码。",
  content_left_out: "部分内容未收入结果。",
  comments_left_out: "批注未收入结果。",
  read_again: "页面存疑：已由视觉模型重新读取，或因故未能重读而保留第一次的结果。请对照原页检查。",
  not_prepared: "内容未能全部处理，请对照原页检查。",
  table_doubtful: "表格中可能有错误的单元格，请对照原页检查。",
  order_doubtful: "文字顺序可能有误，请对照原页检查。",
  digits_doubtful: "数字可能有误或被拆开，请对照原页检查。",
  formulas_not_read: "公式未按公式识别。请换用带视觉模型的档位。",
  handwriting: "手写内容未识别，或识别结果存疑。请换用带视觉模型的档位。",
  option_without_effect: "某个选项没有生效。",
  layers_left_out: "已关闭的图层未收入结果。",
  parts_queued: "其中的文档已作为单独的任务转换，结果见各任务。",
};
