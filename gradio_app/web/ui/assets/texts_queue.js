// The texts of the list: searching, sorting, picking many. As in texts.js: [en, zh].

const number = (n) => n.toLocaleString("en");
const documents = (n) => `${number(n)} ${n === 1 ? "document" : "documents"}`;

export const QUEUE = {
  "queue.search": ["Find by name or folder", "按名称或文件夹查找"],
  "queue.sort": ["Order", "排序"],
  "queue.sort.state": ["By state", "按状态"],
  "queue.sort.newest": ["Newest first", "最新在前"],
  "queue.sort.oldest": ["Oldest first", "最早在前"],
  "queue.sort.name": ["By name", "按名称"],
  "queue.sort.pages": ["Most pages", "页数最多"],
  "queue.sort.finished": ["Last finished", "最近完成"],
  "queue.kinds": ["Which documents", "筛选状态"],
  "queue.kind.all": ["All", "全部"],
  "queue.kind.running": ["Running", "进行中"],
  "queue.kind.waiting": ["Waiting", "排队"],
  "queue.kind.done": ["Done", "完成"],
  "queue.kind.failed": ["Failed", "失败"],
  "queue.kind.cancelled": ["Cancelled", "已取消"],
  "queue.found": ["Found", "结果"],
  "queue.more": [(n) => `Show all ${n} that wait`, (n) => `显示全部 ${n} 个排队文档`],
  "queue.clear": ["Show all documents", "显示全部文档"],
  "queue.results": [(n) => `${n} found`, (n) => `找到 ${n} 个`],

  "row.waited": [(time) => `for ${time}`, (time) => `已等 ${time}`],
  "row.speed": [(n) => `${n} pages/s`, (n) => `${n} 页/秒`],
  "row.speed.slow": [(n) => `${n} pages/min`, (n) => `${n} 页/分`],

  // ---- many at once
  "pick.bar": ["What to do with the selected documents", "对所选文档的操作"],
  "pick.row": [(name) => `Select ${name}`, (name) => `选择 ${name}`],
  "pick.count": [(n) => `${number(n)} selected`, (n) => `已选 ${number(n)} 个`],
  "pick.all": [(n) => `Select all ${number(n)}`, (n) => `选择全部 ${number(n)} 个`],
  "pick.more": [(n) => `Only the newest ${number(n)} were selected: more cannot be done at once.`, (n) => `只选择了最新的 ${number(n)} 个：一次最多处理这么多。`],
  "pick.clear": ["Clear the selection", "取消选择"],
  "pick.do": [(action, n) => `${action}: ${documents(n)}`, (action, n) => `${action}：${number(n)} 个文档`],
  "pick.delete.ask": [(n) => `Delete ${documents(n)} with ${n === 1 ? "its result" : "their results"}?`, (n) => `删除 ${number(n)} 个文档及其结果？`],
  "pick.delete.running": [(n) => (n === 1 ? "One is not done yet and will be stopped." : `${number(n)} are not done yet and will be stopped.`), (n) => `其中 ${number(n)} 个尚未完成，将被停止。`],
  "pick.doing.cancel": [(done, n) => `Cancelling… ${number(done)} of ${number(n)}`, (done, n) => `正在取消… ${number(done)} / ${number(n)}`],
  "pick.doing.retry": [(done, n) => `Queueing… ${number(done)} of ${number(n)}`, (done, n) => `正在重新排队… ${number(done)} / ${number(n)}`],
  "pick.doing.delete": [(done, n) => `Deleting… ${number(done)} of ${number(n)}`, (done, n) => `正在删除… ${number(done)} / ${number(n)}`],
  "pick.done.cancel": [(n) => `${documents(n)} cancelled.`, (n) => `已取消 ${number(n)} 个文档。`],
  "pick.done.retry": [(n) => `${documents(n)} queued again.`, (n) => `${number(n)} 个文档已重新排队。`],
  "pick.done.delete": [(n) => `${documents(n)} deleted.`, (n) => `已删除 ${number(n)} 个文档。`],
  "pick.failed": [(n, why) => `${number(n)} could not be changed: ${why}`, (n, why) => `${number(n)} 个未能处理：${why}`],
  "pick.saving": [(n) => `The results of ${documents(n)} are being saved as one ZIP.`, (n) => `正在将 ${number(n)} 个文档的结果保存为一个 ZIP。`],

  // ---- notices of the browser
  "bell.on": ["Tell me when my documents are done: on", "文档完成时通知：已开启"],
  "bell.off": ["Tell me when my documents are done: off", "文档完成时通知：已关闭"],
  "bell.denied": ["The browser does not allow notices from this page. Allow them in its settings for this site.", "浏览器未允许本页发送通知，请在浏览器的网站设置中允许。"],
  "bell.told": ["You will be told when your documents are done, while this tab is in the background.", "当此标签页在后台时，文档完成后会通知您。"],
  "bell.one.done": [(name) => `${name} is done`, (name) => `${name} 已完成`],
  "bell.one.failed": [(name) => `${name} has failed`, (name) => `${name} 失败`],
  "bell.many": [(done, failed) => [done && `${documents(done)} done`, failed && `${number(failed)} failed`].filter(Boolean).join(", "), (done, failed) => [done && `${number(done)} 个文档已完成`, failed && `${number(failed)} 个失败`].filter(Boolean).join("，")],
};
