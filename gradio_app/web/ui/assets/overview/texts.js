// Texts of the overview and the machines of a cluster: [English, Chinese].

import { plural } from "../common/plural.js";

/** @type {Texts} */
export const OVERVIEW = {
  "overview.title": ["Overview", "概览"],
  "overview.span": ["Span of time", "时间范围"],
  "overview.hours": ["24 hours", "24 小时"],
  "overview.days": ["30 days", "30 天"],
  "overview.tier.auto": ["Not begun", "未开始"],
  "overview.tier.flash": ["Flash", "极速"],
  "overview.tier.basic": ["Basic", "基础"],
  "overview.tier.standard": ["Standard", "标准"],
  "overview.tier.advanced": ["Advanced", "高级"],
  "overview.pages": ["Pages by tier", "页数（按档位）"],
  "overview.ends": ["Outcomes of documents", "文档结果"],
  "overview.waited": ["Average waiting time", "平均等待时间"],
  "overview.engine": ["Engine states", "引擎状态时长"],
  "overview.memory": [(used, total, when) => `Peak card memory: ${used} of ${total} GB (${when})`, (used, total, when) => `显存峰值：${used} / ${total} GB（${when}）`],
  "overview.figure.documents": ["documents done", "已完成文档"],
  "overview.figure.pages": ["pages read", "已识别页数"],
  "overview.figure.waited": ["average wait", "平均等待"],
  "overview.figure.bad": ["failed or partly done", "失败或部分完成"],
  // ---- the machines of a cluster
  "machines.title": ["Machines", "机器"],
  "machines.here": ["This server", "本服务器"],
  "machines.ready": ["Ready", "就绪"],
  "machines.joining": ["Joining", "加入中"],
  "machines.refused": ["Refused", "被拒绝"],
  "machines.lost": ["Lost", "已失联"],
  "machines.shards": [(busy, slots) => `${busy} of ${plural(slots, "shard", "shards")}`, (busy, slots) => `${busy} / ${slots} 个分段`],
  "machines.idle": ["reads no pages", "不参与识别"],
  "machines.vision": ["vision model", "视觉模型"],
  "machines.pages": [(n) => plural(n, "page", "pages"), (n) => `${n} 页`],
};
