// Texts of the dialog with commands for other programs: [English, Chinese].

/** @type {Texts} */
export const CODE = {
  "code.open": ["Use from code", "通过代码使用"],
  "code.title": ["Use from code", "通过代码使用"],
  "code.ways": ["Ways to call this server", "调用方式"],
  "code.tools": ["Other tools", "其他工具"],
  "code.copy": ["Copy", "复制"],
  "code.options": [(said) => `With the options chosen on the page: ${said}. document.pdf stands for your file.`, (said) => `使用页面上当前的选项：${said}。document.pdf 代表您的文件。`],
  "code.elsewhere": ["From another machine or a container, 127.0.0.1 and localhost are not this server: use its name or address.", "在其他机器或容器中，127.0.0.1 和 localhost 并非本服务器，请改用其名称或地址。"],
  "code.key": ["In place of YOUR_KEY: the server's token, or a key of yours, which the administrator makes.", "请将 YOUR_KEY 换成服务器的令牌，或由管理员生成的个人密钥。"],
  "code.one": ["One document, when it is read", "单个文档，读完后返回"],
  "code.one.json": ["The answer is JSON: markdown, pages, error and notes.", "返回 JSON：markdown、pages、error 和 notes。"],
  "code.later": ["In the background, by its id", "后台转换，按任务编号查询"],
  "code.later.hint": ["The second request waits for at most 50 seconds: repeat it until the document is read. All else is in the server's /docs.", "查询请求最多等待 50 秒，未读完请重复。其余接口见服务器的 /docs。"],
  "code.client": ["Our client", "本项目的客户端"],
  "code.client.hint": ["pip install ./client in a checkout of this project. It repeats requests while the server restarts, and reads folders.", "在项目目录中运行 pip install ./client。服务器重启时会自动重试，并支持整个文件夹。"],
  "code.httpx": ["httpx alone", "仅用 httpx"],
  "code.gradio.hint": ["pip install gradio_client. It has the functions submit, status, result, tasks, cancel and retry, too.", "pip install gradio_client。另有 submit、status、result、tasks、cancel、retry 函数。"],
  "code.mcp": ["Configuration of an assistant", "助手的配置"],
  "code.mcp.hint": ["The assistant calls convert, submit, status and result; it chooses the options itself.", "助手可调用 convert、submit、status、result，选项由其自行决定。"],
  "code.tools.mineru": ["As a MinerU server: API server, base URL (local) or API host. RAGFlow and Dify send no key: see trusted_clients.", "作为 MinerU 服务器填写：API 服务器、Base URL（local）或 API 地址。RAGFlow 和 Dify 不发送密钥，参见 trusted_clients。"],
  "code.tools.lightrag": ["Its environment. It sends no key.", "环境变量。不发送密钥。"],
  "code.tools.mineru3": ["Its command. It sends no key.", "命令行。不发送密钥。"],
  "code.tools.mineru4": ["Its command; also MinerUApiParser, mineru-router and mineru-webui.", "命令行；也适用于 MinerUApiParser、mineru-router 和 mineru-webui。"],
  "code.tools.docling": ["Its command; also LangChain, Langflow, and Docling in Open WebUI and RAGFlow.", "命令行；也适用于 LangChain、Langflow，以及 Open WebUI 和 RAGFlow 的 Docling。"],
  "code.tools.convert": ["An address that takes a form with one file.", "接收单个文件表单的地址。"],
};
