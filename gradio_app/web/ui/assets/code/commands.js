// Commands as other programs take them. A browser test copies each of them and runs it as it stands.

const FILE = "document.pdf";
const KEY = "YOUR_KEY";

/** @param {Way} way @param {CodeContext} context @returns {Command[]} */
export const commandsOf = (way, context) => MAKERS[way](context);

/** @type {Record<Way, (context: CodeContext) => Command[]>} */
const MAKERS = { curl, python, gradio, mcp, tools };

function curl(/** @type {CodeContext} */ { server, options, key }) {
  const fields = options.map(([name, value]) => ` -F ${name}=${value}`).join("");
  const header = key ? ` -H "Authorization: Bearer ${KEY}"` : "";
  const first = `grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4`;
  const later = [
    `server="${server}"`,
    `task=$(curl -sSf${header} -F files=@${FILE}${fields} \\`,
    `  "$server/api/v1/tasks" | ${first})`,
    `curl -sSf${header} "$server/api/v1/tasks/$task?wait=50"`,
    `curl -sSf${header} "$server/api/v1/tasks/$task/result" -o document.md`,
  ];
  const once = [`curl -sS${header} -F file=@${FILE}${fields} \\`, `  "${server}/convert" -o document.json`];
  return [
    { title: "code.one", hint: "code.one.json", text: once.join("\n") },
    { title: "code.later", hint: "code.later.hint", text: later.join("\n") },
  ];
}

function python(/** @type {CodeContext} */ { server, options, key }) {
  const named = options.map(([name, value]) => `, ${name}="${value}"`).join("");
  const data = options.map(([name, value]) => `"${name}": "${value}"`).join(", ");
  const client = [
    "from mineru_optimized_client import Client",
    "",
    `with Client("${server}"${key ? `, token="${KEY}"` : ""}) as client:`,
    `    task = client.convert("${FILE}"${named})`,
    "    print(client.markdown(task.id))",
  ];
  const plain = [
    "import httpx",
    "",
    `headers = ${key ? `{"Authorization": "Bearer ${KEY}"}` : "{}"}`,
    `with open("${FILE}", "rb") as file:`,
    `    form = {"url": "${server}/convert", "files": {"file": file}, "data": {${data}}}`,
    "    answer = httpx.post(**form, headers=headers, timeout=3600)",
    "answer.raise_for_status()",
    'print(answer.json()["markdown"])',
  ];
  return [
    { title: "code.client", hint: "code.client.hint", text: client.join("\n") },
    { title: "code.httpx", text: plain.join("\n") },
  ];
}

function gradio(/** @type {CodeContext} */ { server, options, key }) {
  const named = options.map(([name, value]) => `, ${name}="${value}"`).join("");
  const lines = [
    "from gradio_client import Client, handle_file",
    "",
    `client = Client("${server}"${key ? `, headers={"Authorization": "Bearer ${KEY}"}` : ""})`,
    `file = handle_file("${FILE}")`,
    `markdown, archive = client.predict(file=file${named}, api_name="/convert")`,
    "print(markdown)",
  ];
  return [{ title: "code.one", hint: "code.gradio.hint", text: lines.join("\n") }];
}

function mcp(/** @type {CodeContext} */ { server, key }) {
  const headers = key ? { headers: { Authorization: `Bearer ${KEY}` } } : {};
  const config = { mcpServers: { mineru: { url: `${server}/gradio_api/mcp/`, ...headers } } };
  return [{ title: "code.mcp", hint: "code.mcp.hint", text: JSON.stringify(config, null, 2) }];
}

function tools(/** @type {CodeContext} */ { server, options, key }) {
  const tier = options.find(([name]) => name === "tier")?.[1] ?? "auto";
  const own = (/** @type {string} */ flag) => (key ? ` ${flag} ${KEY}` : "");
  return [
    { title: "RAGFlow, Dify, Cherry Studio, Open WebUI", hint: "code.tools.mineru", text: server },
    { title: "LightRAG", hint: "code.tools.lightrag", text: `MINERU_API_MODE=local\nMINERU_LOCAL_ENDPOINT=${server}` },
    { title: "MinerU 2, 3", hint: "code.tools.mineru3", text: `mineru -p ${FILE} -o out --api-url ${server}` },
    { title: "MinerU 4", hint: "code.tools.mineru4", text: `mineru-kit parse --remote-url ${server}${own("--api-key")} --tier ${tier} -o out ${FILE}` },
    { title: "docling", hint: "code.tools.docling", text: `docling convert-remote --service-url ${server}${own("--api-key")} ${FILE}` },
    { title: "FastGPT, n8n", hint: "code.tools.convert", text: `${server}/convert` },
  ];
}
