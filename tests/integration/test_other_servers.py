"""Clients of other servers find what they look for: their requests as they send them, and MinerU 4's own.

The requests are those of RAGFlow, Dify (local), Cherry Studio, LightRAG, Open WebUI (both ways), the command
line of MinerU 3.4.4, and FastGPT, written from their sources; docs/integrations.md says which were run.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import encrypted_pdf, paper_pdf, text_pdf, word
from tests.live import LiveServer

pytestmark = pytest.mark.integration

PAPER = paper_pdf(2, seed=18)
#: as ``requests`` writes the values of a form
RAGFLOW = {
    "output_dir": "./output",
    "lang_list": "English",
    "backend": "pipeline",
    "parse_method": "auto",
    **dict.fromkeys(("formula_enable", "table_enable", "return_md", "return_middle_json"), "True"),
    **dict.fromkeys(("return_model_output", "return_content_list", "return_images"), "True"),
    "response_format_zip": "True",
    "start_page_id": "0",
    "end_page_id": "99999",
}


def sent(server: LiveServer, path: str, *files: tuple[str, bytes], **fields: Any) -> httpx.Response:
    """A form of MinerU 2."""
    return server.client.post(path, files=[("files", file) for file in files], data=fields)


def unzipped(answer: httpx.Response) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


# ---------------------------------------------------------------- MinerU 2 and 3


def test_ragflow_finds_its_content_list_and_positions(server: LiveServer) -> None:
    assert server.client.head("/openapi.json").status_code == 200
    for stem in ("paper", "年报(1) v2"):
        answer = sent(server, "/file_parse", (f"{stem}.pdf", PAPER), **RAGFLOW)
        files = unzipped(answer)
        items = json.loads(files[f"{stem}/{stem}_content_list.json"])
        assert {item["type"] for item in items} >= {"text", "table", "image"}
        for item in items:
            assert len(item["bbox"]) == 4 and item["page_idx"] in (0, 1)
            if item.get("img_path"):
                assert f"{stem}/{item['img_path']}" in files
        assert any("<table>" in item.get("table_body", "") for item in items)
        [first, second] = json.loads(files[f"{stem}/{stem}_middle.json"])["pdf_info"]
        assert (first["page_idx"], second["page_idx"]) == (0, 1) and first["page_size"][0] == 595
        assert all(block["bbox"] for block in first["para_blocks"])
    safe = "年报_1__v2"
    assert files[f"{safe}/{safe}_content_list.json"] == files[f"{stem}/{stem}_content_list.json"]


def test_dify_gets_texts_and_pictures_in_json(server: LiveServer) -> None:
    assert server.client.get("/docs").status_code == 200
    fields = {"return_content_list": "true", "return_images": "true", "backend": "vlm-sglang-engine"}
    answer = sent(
        server, "/file_parse", ("paper.pdf", PAPER), ("b.docx", word("Words of a letter.")), **fields
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["backend"] == "vlm-sglang-engine" and told["version"].startswith("4.")
    assert [note["code"] for note in told["notes"]][:1] == ["option_without_effect"]
    paper, letter = told["results"]["paper"], told["results"]["b"]
    assert "Here stands marker 1" in paper["md_content"] and "Words of a letter" in letter["md_content"]
    assert "middle_json" not in paper
    assert {item["page_idx"] for item in json.loads(paper["content_list"])} == {0, 1}
    assert paper["images"] and all(each.startswith("data:image/") for each in paper["images"].values())


def test_pages_are_those_that_were_asked_for(server: LiveServer) -> None:
    answer = sent(server, "/file_parse", ("three.pdf", text_pdf(3)), start_page_id="1", end_page_id="1")
    text = answer.json()["results"]["three"]["md_content"]
    assert [f"page {n}" in text.lower() or f"marker {n}" in text for n in (1, 2, 3)] in (
        [False, True, False],
    ), text


def test_cherry_studio_finds_markdown_under_the_name_of_its_file(server: LiveServer) -> None:
    fields = {"return_md": "true", "response_format_zip": "true"}
    names = unzipped(sent(server, "/file_parse", ("My paper, final.pdf", PAPER), **fields))
    assert "My paper, final/My paper, final.md" in names


def test_open_webui_without_v1_gets_markdown(server: LiveServer) -> None:
    fields = {"return_md": "true", "parse_method": "auto", "backend": "hybrid-auto-engine", "lang_list": "en"}
    answer = sent(server, "/file_parse", ("p.pdf", PAPER), **fields)
    assert "marker 2" in next(iter(answer.json()["results"].values()))["md_content"]


def test_lightrag_waits_for_a_zip(server: LiveServer) -> None:
    fields = {"backend": "pipeline", "image_analysis": "true", "return_original_file": "true"}
    fields |= {"response_format_zip": "true", "return_content_list": "true", "return_images": "true"}
    posted = sent(server, "/tasks", ("p.pdf", PAPER), **fields)
    assert posted.status_code == 202
    task = ended(server, posted.json()["task_id"])
    assert (task["status"], task["error"]) == ("completed", None)
    names = unzipped(server.client.get(f"/tasks/{task['task_id']}/result"))
    assert [name for name in names if name.endswith("content_list.json")]
    assert names["p/auto/p_origin.pdf"] == PAPER


def ended(server: LiveServer, task_id: str, path: str = "/tasks") -> dict[str, Any]:
    """The status of a task of MinerU 3, or of V1, when it has ended."""
    while True:
        told = server.client.get(f"{path}/{task_id}").raise_for_status().json()
        if told["status"] not in ("pending", "processing", "queued", "running"):
            return told
        server._pause()


def test_the_command_line_of_mineru_3_is_told_all_that_it_checks(server: LiveServer) -> None:
    health = server.client.get("/health").json()
    assert health["status"] == "healthy" and health["protocol_version"] == 2
    assert health["max_concurrent_requests"] > 0 and isinstance(health["processing_window_size"], int)
    fields: dict[str, Any] = {
        **{"lang_list": ["ch"], "backend": "hybrid-engine", "effort": "medium", "parse_method": "auto"},
        **dict.fromkeys(("formula_enable", "table_enable", "image_analysis"), "true"),
        **dict.fromkeys(("return_md", "return_middle_json", "return_model_output"), "true"),
        **dict.fromkeys(("return_content_list", "return_images", "response_format_zip"), "true"),
        **{"return_original_file": "true", "client_side_output_generation": "false"},
        **{"start_page_id": "0", "end_page_id": "99999"},
    }
    posted = sent(server, "/tasks", ("paper.pdf", PAPER), ("two.pdf", text_pdf(1)), **fields)
    told = posted.json()
    assert posted.status_code == 202 and told["file_names"] == ["paper", "two"]
    assert told["status_url"] == f"{server.url}/tasks/{told['task_id']}"
    ended(server, told["task_id"])
    names = unzipped(httpx.get(told["result_url"]))
    assert {f"{stem}/hybrid_auto/{stem}.md" for stem in ("paper", "two")} <= names.keys()
    assert json.loads(names["paper/hybrid_auto/paper_middle.json"])["pdf_info"]


def test_a_task_that_fails_says_why(server: LiveServer) -> None:
    posted = sent(server, "/tasks", ("locked.pdf", encrypted_pdf())).json()
    task = ended(server, posted["task_id"])
    assert task["status"] == "failed" and "password" in task["error"]
    result = server.client.get(f"/tasks/{task['task_id']}/result")
    assert result.status_code == 409 and result.json()["detail"] == task["error"]
    opened = sent(server, "/file_parse", ("locked.pdf", encrypted_pdf()), password="secret")
    assert opened.status_code == 200


def test_one_bad_file_does_not_cost_the_others(server: LiveServer) -> None:
    files = ("good.pdf", text_pdf(1)), ("bad.pdf", b"%PDF-1.4 nothing")
    results = sent(server, "/file_parse", *files).json()["results"]
    assert results["good"]["md_content"] and "damaged" in results["bad"]["error"]
    names = unzipped(sent(server, "/file_parse", *files, response_format_zip="true"))
    [note] = json.loads(names["bad/bad_notes.json"])
    assert note["code"] == "file_corrupt" and "good/good.md" in names


def test_fastgpt_gets_three_fields(server: LiveServer) -> None:
    answer = server.client.post("/convert", files={"file": ("p.pdf", PAPER)})
    told = answer.json()
    assert answer.status_code == 200 and "marker 1" in told["markdown"]
    assert (told["pages"], told["error"]) == (2, None)
    refused = server.client.post("/convert", files={"file": ("p.pdf", b"%PDF-1.4 nothing")})
    assert refused.status_code == 422 and "damaged" in refused.json()["error"]


# ---------------------------------------------------------------- MinerU 4


def uploaded(server: LiveServer, name: str, data: bytes, **more: Any) -> str:
    """The id of a file, sent in MinerU 4's three steps."""
    new = {"filename": name, "bytes": len(data), "mime_type": "application/pdf", "purpose": "parse", **more}
    made = server.client.post("/v1/uploads", json=new).raise_for_status().json()
    server.client.request(
        made["upload_method"], made["upload_url"], content=data, headers=made["upload_headers"]
    ).raise_for_status()
    done = server.client.post(f"/v1/uploads/{made['id']}/complete", json={}).raise_for_status().json()
    assert done["status"] == "completed"
    return done["file"]["id"]


def test_open_webui_uses_v1(server: LiveServer) -> None:
    assert server.client.get("/v1/health").json()["status"] == "ok"
    file_id = uploaded(server, "p.pdf", PAPER, sha256sum=sha256(PAPER).hexdigest())
    job = {"files": [{"source": {"type": "file_id", "file_id": file_id}}], "output_formats": ["markdown"]}
    posted = server.client.post("/v1/parse/jobs", json=job)
    assert posted.status_code == 202 and "error" not in posted.json()
    told = ended(server, posted.json()["job_id"], "/v1/parse/jobs")
    assert told["status"] == "completed" and "error" not in told and told["tier"] == "flash"
    [file] = told["files"]
    assert file["file_id"] == file_id and file["error"] is None
    reference = file["output_files"]["markdown"]
    content = server.client.get(f"/v1/files/{reference['file_id']}/content")
    assert "marker 1" in content.text and len(content.content) == reference["bytes"]
    assert server.client.get(f"/v1/files/{file_id}").json()["filename"] == "p.pdf"


def test_a_job_reads_pages_of_each_file_and_gives_every_format(server: LiveServer) -> None:
    first, second = uploaded(server, "a.pdf", text_pdf(3)), uploaded(server, "b.pdf", PAPER)
    health = server.client.get("/v1/health").json()["features"]
    files = [
        {"source": {"type": "file_id", "file_id": first}, "page_range": "2"},
        {"source": {"type": "file_id", "file_id": second}},
    ]
    job = {"files": files, "output_formats": health["output_formats"], "tier": "flash"}
    told = server.client.post("/v1/parse/jobs", json=job).json()
    told = ended(server, told["job_id"], "/v1/parse/jobs")
    assert told["progress"] == {"completed": 2, "failed": 0, "total": 2}
    assert [file["name"] for file in told["files"]] == ["a.pdf", "b.pdf"]
    assert told["files"][0]["page_range"] == "2"
    outputs = told["files"][1]["output_files"]
    assert outputs.keys() == set(health["output_formats"])
    for name, reference in outputs.items():
        got = server.client.get(f"/v1/files/{reference['file_id']}/content")
        assert got.status_code == 200 and got.content, name
        assert server.client.get(f"/v1/files/{reference['file_id']}").json()["purpose"] == "parse_output"
    archive = zipfile.ZipFile(
        io.BytesIO(server.client.get(f"/v1/files/{outputs['zip']['file_id']}/content").content)
    )
    assert {"markdown.md", "middle_json.json"} <= set(archive.namelist())


@pytest.mark.parametrize("form", ["json", "zip"])
def test_v1_reads_in_one_request(server: LiveServer, form: str) -> None:
    query = {"response_format": form, "output_formats": ["markdown", "middle_json"], "page_range": "1"}
    files = [("files", ("p.pdf", PAPER)), ("files", ("q.pdf", text_pdf(1)))]
    answer = server.client.post("/v1/file_parse", params=query, files=files)
    assert answer.status_code == 200, answer.text
    if form == "json":
        content = answer.json()["files"][0]["content"]
        assert "marker 1" in content["markdown"] and content["middle_json"]["pages"]
        assert "error" not in answer.json()
    else:
        assert {"manifest.json", "0001/markdown.md", "0002/markdown.md"} <= unzipped(answer).keys()
    raw = server.client.post(
        "/v1/tasks",
        params={"filename": "r.pdf"},
        content=PAPER,
        headers={"content-type": "application/octet-stream"},
    )
    assert raw.status_code == 202
    task = ended(server, raw.json()["task_id"], "/v1/tasks")
    result = server.client.get(f"/v1/tasks/{task['task_id']}/result").json()
    assert "marker 2" in result["files"][0]["content"]["markdown"]


def test_mineru_4s_own_client_reads_through_this_server(server: LiveServer, tmp_path: Path) -> None:
    """In another process, as users have it: this one shall not import MinerU's runtime."""
    paper, bad = tmp_path / "paper.pdf", tmp_path / "bad.pdf"
    paper.write_bytes(PAPER)
    bad.write_bytes(b"%PDF-1.4 nothing")
    program = (
        "import sys\n"
        "from mineru.parser.api_client import MinerUApiParser as Client\n"
        "url, paper, bad = sys.argv[1:]\n"
        "assert 'marker 1' in Client(api_url=url, tier='flash').parse(paper).markdown()\n"
        "one = Client(api_url=url, include_images=True).parse(paper, page_range='2')\n"
        "assert len(one.pages) == 1 and 'marker 2' in one.markdown() and 'data:image' in one.markdown()\n"
        "try:\n    Client(api_url=url).parse(bad)\n"
        "except Exception as error:\n    assert 'file_corrupt' in str(error), error\n"
        "else:\n    raise AssertionError\n"
    )
    run([sys.executable, "-c", program, server.url, str(paper), str(bad)])


@pytest.mark.slow
def test_mineru_kit_parses_remotely(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(PAPER)
    kit = Path(sys.executable).with_name("mineru-kit")
    out = tmp_path / "out"
    out.mkdir()
    for form, end in (("markdown", "md"), ("zip", "zip"), ("middle_json", "json")):
        command = [str(kit), "parse", "--remote-url", server.url, "--tier", "flash", "--format", form]
        run([*command, "-o", str(out), str(tmp_path / "paper.pdf")])
        assert (out / f"paper.{end}").stat().st_size > 1000


def run(command: list[str]) -> None:
    done = subprocess.run(command, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]


# ---------------------------------------------------------------- restarts


@pytest.mark.slow
def test_what_was_asked_for_is_there_after_a_restart(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", "--workers", "1", "--shard-pages-flash", "8") as server:
        task = sent(server, "/tasks", ("long.pdf", text_pdf(120)), ("p.pdf", PAPER)).json()
        job_file = uploaded(server, "j.pdf", text_pdf(60, seed=3))
        job = server.client.post(
            "/v1/parse/jobs", json={"files": [{"source": {"type": "file_id", "file_id": job_file}}]}
        ).json()
        waits = uploaded(server, "later.pdf", text_pdf(1, seed=4))
        server.kill()
        server.start()
        assert ended(server, task["task_id"])["status"] == "completed"
        results = server.client.get(f"/tasks/{task['task_id']}/result").json()["results"]
        assert set(results) == {"long", "p"}
        told = ended(server, job["job_id"], "/v1/parse/jobs")
        assert told["status"] == "completed" and told["files"][0]["file_id"] == job_file
        later = {"files": [{"source": {"type": "file_id", "file_id": waits}}]}
        told = server.client.post("/v1/parse/jobs", json=later).json()
        assert ended(server, told["job_id"], "/v1/parse/jobs")["status"] == "completed"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(sent, server, "/file_parse", ("end.pdf", text_pdf(900, seed=6)))
            while not server.client.get("/api/v1/tasks", params={"q": "end.pdf"}).json()["tasks"]:
                server._pause()
            server.stop()
            answer = waiting.result()
        assert answer.status_code == 503 and answer.json()["code"] == "shutting_down"
        assert "restarting" in answer.json()["detail"]
