"""``monitor``: what it asks, what it advises, and how it ends."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradio_app.base.settings import Settings
from gradio_app.commands import monitor
from gradio_app.commands.monitor import View
from gradio_app.machine.cards import Card, Process

GB = 2**30
NOBODY = "http://127.0.0.1:9"


def process(pid: int = 5, memory: int = GB, ours: bool = False, name: str = "python") -> dict[str, Any]:
    return {"pid": pid, "name": name, "memory": memory, "ours": ours}


def card(**more: Any) -> dict[str, Any]:
    known = {"index": 0, "uuid": "GPU-aaaa", "name": "RTX 4090", "total": 24 * GB, "used": 2 * GB}
    known |= {"free": 22 * GB, "load": 7, "temperature": 41, "chosen": True, "processes": []}
    return known | more


def engine(**more: Any) -> dict[str, Any]:
    return {"kind": "sglang", "status": "ready", "since": 1000, "pids": [], "error": None} | more


def view(**more: Any) -> View:
    known: dict[str, Any] = {
        "url": "http://127.0.0.1:7860",
        "server": "",
        "engine": engine(),
        "driver": "",
        "cards": [card()],
        "small": True,
    }
    return View(**(known | more))


# --- advice ------------------------------------------------------------------------------------------------


def test_when_all_is_well_there_is_no_advice() -> None:
    assert monitor.advice(view()) == []
    assert monitor.advice(view(cards=[card(temperature=None, load=None)])) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"small": True}, "so does basic"),
        ({"small": False}, "scans need ./start_mineru_optimized.sh models --source builtin"),
        ({"engine": engine(kind="remote")}, "every tier works"),
    ],
)
def test_without_a_card_it_says_which_tiers_work(more: dict[str, Any], words: str) -> None:
    (told,) = monitor.advice(view(cards=[], driver="There is no driver.", **more))
    assert told.startswith("There is no driver.") and words in told


@pytest.mark.parametrize(("degrees", "hot"), [(85, False), (86, True)])
def test_a_hot_card_is_told_whether_chosen_or_not(degrees: int, hot: bool) -> None:
    told = monitor.advice(view(cards=[card(), card(index=1, chosen=False, temperature=degrees)]))
    assert any(f"Card 1 is at {degrees} °C" in line for line in told) is hot


def test_somebody_who_holds_much_of_our_card_is_named() -> None:
    held = [process(7, 4 * GB, name="vllm"), process(8, 3 * GB), process(9, 9 * GB, ours=True)]
    (told,) = monitor.advice(view(cards=[card(processes=held)]))
    assert told.startswith("7.0 GB of card 0 are held by vllm (process 7) and 1 more, not by us: close it")


def test_a_freer_card_is_proposed() -> None:
    busy = card(processes=[process(memory=20 * GB)], free=2 * GB)
    (told,) = monitor.advice(view(cards=[busy, card(index=1, chosen=False)]))
    assert "card 1 has more room (setting: gpu)" in told


def test_others_on_cards_that_are_not_ours_are_their_own_business() -> None:
    assert monitor.advice(view(cards=[card(chosen=False, free=0, processes=[process(memory=20 * GB)])])) == []


@pytest.mark.parametrize(("free", "full"), [(0.73 * GB, False), (0.71 * GB, True)])
def test_a_card_that_is_nearly_full_is_told(free: float, full: bool) -> None:
    told = monitor.advice(view(cards=[card(free=int(free), processes=[process(memory=20 * GB, ours=True)])]))
    assert any("nearly full" in line for line in told) is full


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": "asleep"}, "wakes it"),
        ({"status": "stopped"}, "starts it"),
        ({"status": "failed", "error": {"message": "No room."}}, "No room."),
        ({"status": "failed"}, "its log says why"),
        ({"kind": "none", "status": "stopped"}, "doctor"),
    ],
)
def test_what_the_engine_is_about(facts: dict[str, Any], words: str) -> None:
    (told,) = monitor.advice(view(engine=engine(**facts)))
    assert words in told


def test_without_a_server_it_says_how_to_start_one() -> None:
    (told,) = monitor.advice(view(engine=None, server="No server answers at X."))
    assert told.startswith("No server answers at X.") and "gradio" in told and "--url" in told


# --- showing -----------------------------------------------------------------------------------------------


def test_a_view_as_text() -> None:
    busy = engine(in_flight=2, waiting=5, stops_in=500, version="0.5.23", profile="24gb", notice="Smaller.")
    held = [process(7, 12 * GB, True, "sglang"), process(8, 0, name="\x1b[2Jevil")]
    lines = monitor.as_text(view(engine=busy, cards=[card(processes=held, used=12 * GB)]), 1030).splitlines()
    assert lines[1:] == [
        "Engine  ready for 30 s, 2 in flight, 5 waiting, stops in 8 min, 0.5.23, profile 24gb",
        "        Smaller.",
        "Card 0* [##########..........] 12.0 of 24.0 GB  load 7 %  41 °C  RTX 4090",
        "         12.0 GB  sglang (process 7)  ours",
        "               ?  ?[2Jevil (process 8)",
    ]


def test_a_view_of_nothing_as_text() -> None:
    text = monitor.as_text(view(engine=None, server="No server.", cards=[], driver="No driver."), 0)
    assert "Engine  unknown\nCards   none\nAdvice  No driver." in text


def test_what_a_card_does_not_tell_is_left_out() -> None:
    text = monitor.as_text(view(cards=[card(load=None, temperature=None, total=0, used=0)]), 0)
    assert "load" not in text and "°C" not in text


# --- asking ------------------------------------------------------------------------------------------------


class _Server(BaseHTTPRequestHandler):
    """Answers ``/CODE/...`` with that code and the text that the test gave."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    asked: list[tuple[str, str | None]]
    text: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/200"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Server) as running:
        running.asked, running.text = [], json.dumps({"engine": engine(pids=[7]), "cards": [card()]})
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_server_is_asked_with_the_token_and_past_proxies(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", NOBODY)
    status, problem = monitor.ask(server.url + "/", "secret")
    assert (status["engine"]["pids"], problem) == ([7], "")
    assert server.asked == [("/200/gpu/status", "Bearer secret")]


@pytest.mark.parametrize(("code", "words"), [(401, "--token"), (403, "--token"), (404, "404"), (500, "500")])
def test_a_refusal_is_a_sentence(server: Server, code: int, words: str) -> None:
    status, problem = monitor.ask(server.url.replace("200", str(code)), "")
    assert status == {} and words in problem


@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "null", '{"cards": []}', '{"engine": null, "cards": []}', '{"cards": [{}]}']
)
def test_another_program_that_answers_is_not_believed(server: Server, text: str) -> None:
    server.text = text
    assert monitor.ask(server.url, "") == ({}, f"What answers at {server.url} is not MinerU Optimized.")


@pytest.mark.parametrize("url", [NOBODY, "nonsense", "http://[", "http://a b"])
def test_nobody_there_is_a_sentence(url: str) -> None:
    status, problem = monitor.ask(url, "")
    assert status == {} and url in problem


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """Two cards of this machine; process ids 7 and 8 exist."""
    found = [
        Card(
            0,
            "GPU-aaaa",
            "A",
            24 * GB,
            GB,
            23 * GB,
            0,
            40,
            (8, 9),
            False,
            (Process(7, "a", 1), Process(8, "b", 1)),
        ),
        Card(1, "GPU-bbbb", "B", 24 * GB, 0, 24 * GB, 0, 40, (8, 9), False, ()),
    ]
    monkeypatch.setattr(monitor, "read_cards", lambda limit=0: found)
    monkeypatch.setattr(monitor, "driver_problem", lambda: "" if found else "no driver")
    monkeypatch.setattr("gradio_app.machine.cards._exists", lambda pid: True)
    return found


def marks(view: View) -> list[tuple[str, bool, list[bool]]]:
    return [(card["uuid"], card["chosen"], [one["ours"] for one in card["processes"]]) for card in view.cards]


def test_this_machines_cards_carry_the_servers_marks(server: Server, cards: list[Card]) -> None:
    seen = monitor.observe(server.url, "", Settings())
    assert marks(seen) == [("GPU-aaaa", True, [True, False]), ("GPU-bbbb", False, [])]


def test_processes_that_the_server_marks_are_ours_too(server: Server, cards: list[Card]) -> None:
    told = [card(processes=[process(8, ours=True)])]
    server.text = json.dumps({"engine": engine(), "cards": told})
    assert marks(monitor.observe(server.url, "", Settings()))[0] == ("GPU-aaaa", True, [False, True])


def test_without_a_server_the_setting_chooses(cards: list[Card]) -> None:
    seen = monitor.observe(NOBODY, "", Settings())
    assert marks(seen) == [("GPU-aaaa", False, [False, False]), ("GPU-bbbb", True, [])]
    assert seen.engine is None and "No server answers" in seen.server


def test_without_a_driver_it_says_so(cards: list[Card]) -> None:
    cards.clear()
    assert monitor.observe(NOBODY, "", Settings()).driver == "no driver"


def test_of_another_machine_only_the_server_tells(cards: list[Card], monkeypatch: pytest.MonkeyPatch) -> None:
    status = {"engine": engine(), "cards": [card(uuid="GPU-far")], "driver": ""}
    monkeypatch.setattr(monitor, "ask", lambda url, token: (status, ""))
    assert [one["uuid"] for one in monitor.observe("http://far:7860", "", Settings()).cards] == ["GPU-far"]


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[list[str], str]]:
    """Runs the command until its third wait; gives the addresses that were asked, and the output."""

    def run(*flags: str, end: type[BaseException] = KeyboardInterrupt) -> tuple[list[str], str]:
        asked: list[str] = []
        waits: list[float] = []

        def observe(url: str, token: str, settings: Settings) -> View:
            asked.append(url + token)
            return view()

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                raise end

        monkeypatch.setattr(monitor, "observe", observe)
        monkeypatch.setattr(monitor, "time", SimpleNamespace(**vars(monitor.time) | {"sleep": wait}))
        monitor.main(list(flags))
        assert set(waits) <= {2.0}
        return asked, capsys.readouterr().out

    return run


def test_it_looks_until_ctrl_c_and_ends_quietly(start: Callable[..., tuple[list[str], str]]) -> None:
    asked, out = start()
    assert asked == ["http://127.0.0.1:7860"] * 3
    assert out.count("Engine  ready") == 3 and "\x1b" not in out


def test_on_a_terminal_it_draws_over_the_last_look(
    start: Callable[..., tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out = start()
    assert out.count("\x1b[2J") == 1 and out.count("\x1b[H") == 3


def test_once_is_one_look(start: Callable[..., tuple[list[str], str]]) -> None:
    asked, out = start("--once", "--url", "http://far:1", "--token", "t")
    assert asked == ["http://far:1t"]
    assert out.endswith("RTX 4090\n")


def test_json_once_is_one_object(start: Callable[..., tuple[list[str], str]]) -> None:
    told = json.loads(start("--once", "--json")[1])
    assert told["engine"] == engine() and told["cards"] == [card()] and told["advice"] == []
    assert set(told) == {"time", "url", "server", "engine", "driver", "cards", "small", "advice"}


def test_json_is_one_line_a_look(start: Callable[..., tuple[list[str], str]]) -> None:
    assert [json.loads(line)["server"] for line in start("--json")[1].splitlines()] == ["", "", ""]


def test_a_pipe_that_closes_ends_it_quietly(
    start: Callable[..., tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        start(end=BrokenPipeError)
        print("flushed at the end", file=out, flush=True)
    assert "flushed" not in (tmp_path / "out").read_text()


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "x", "1e9"])
def test_an_interval_that_makes_no_sense_is_refused(
    interval: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        monitor.main(["--interval", interval])
    assert end.value.code == 2 and "expected seconds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
        ("::1", "http://[::1]:7860"),
        ("gpu.lab", "http://gpu.lab:7860"),
    ],
)
def test_the_server_of_the_settings_is_the_default(host: str, url: str) -> None:
    assert monitor.own_url(Settings(host=host)) == url


# --- several servers ---------------------------------------------------------------------------------------


def servers() -> list[dict[str, Any]]:
    failed = {"name": "card 1", "status": "failed", "in_flight": 0, "waiting": 2}
    failed["error"] = {"code": "engine_unavailable", "message": "The model server hangs."}
    return [{"name": "card 0", "status": "ready", "in_flight": 3, "waiting": 0, "error": None}, failed]


def test_each_of_several_servers_has_a_line_and_one_that_failed_is_told() -> None:
    seen = view(engine=engine(servers=servers()))
    lines = monitor.as_text(seen, 1010).splitlines()
    assert lines[2:4] == [
        "Server  1 on card 0: ready, 3 in flight",
        "Server  2 on card 1: failed, 2 waiting",
    ]
    assert monitor.advice(seen) == [
        "Model server 2 failed, and the others do its work: The model server hangs."
    ]


def test_a_single_server_is_the_engine_and_has_no_line() -> None:
    assert "Server" not in monitor.as_text(view(engine=engine(servers=servers()[:1])), 1010)


def test_the_advice_names_no_card_that_the_engine_uses_already() -> None:
    busy = card(used=23 * GB, free=GB, processes=[process(memory=20 * GB, name="blender")])
    second = card(index=1, uuid="GPU-bbbb", free=20 * GB)
    (told,) = monitor.advice(view(cards=[busy, second]))
    assert "close it" in told
    (told,) = monitor.advice(view(cards=[busy, second | {"chosen": False}]))
    assert "card 1 has more room" in told
