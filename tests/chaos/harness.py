"""Real load on a real server whose processes are killed at random moments, then the checks from outside."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tests.chaos import audit, processes
from tests.chaos.catalogue import Catalogue
from tests.chaos.journal import Journal
from tests.chaos.plan import Kill, rounds
from tests.chaos.users import User
from tests.fakes.sglang import FakePython
from tests.live import LiveServer
from tests.stub_weights import write_small_models, write_vision_model

TOKEN = "a-token-for-the-kill-tests"
#: things to do that one user may be behind, before the next kill waits for them
_BEHIND = 6
#: unfinished tasks of both users, beyond which the next round waits
_BACKLOG = 20
#: how long a kill waits for a process of its kind to be there, in seconds
_WAIT_FOR_PREY = 3.0
#: violations after which no more is killed
_ENOUGH = 10
#: how long everything may take to end once nothing is killed any more, in seconds
_CALM = 600.0


@dataclass
class Report:
    """Figures of a run, and what was wrong."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter[str])
    signals: int = 0
    missed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    after_retry: Counter[str] = field(default_factory=Counter[str])
    sent: int = 0
    seconds: float = 0.0
    longest_restart: float = 0.0
    longest_recovery: float = 0.0
    violations: list[str] = field(default_factory=list[str])

    def table(self) -> str:
        """In Markdown."""
        rows = [("seed", self.seed), ("kills", sum(self.kills.values())), ("processes hit", self.signals)]
        rows += [(f"kills: {name}", count) for name, count in self.kills.most_common()]
        rows += [("documents sent", self.sent)]
        rows += [(f"ended: {name}", count) for name, count in sorted(self.outcomes.items())]
        rows += [(f"ended by kills, then retried: {name}", n) for name, n in sorted(self.after_retry.items())]
        figures = [
            ("seconds", self.seconds),
            ("longest restart, seconds", self.longest_restart),
            ("longest time from a kill to the next finished page, seconds", self.longest_recovery),
        ]
        lines = ["| what | figure |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
        lines += [f"| {name} | {value:.1f} |" for name, value in figures]
        return "\n".join([*lines, f"| violations | {len(self.violations)} |"])


class Harness:
    """One run in ``folder``, which it fills: two data folders, logs, the journal."""

    def __init__(self, folder: Path, seed: int, kills: int, say: Callable[[str], None]) -> None:
        self._seed, self._wanted, self._say = seed, kills, say
        self._pause = threading.Event().wait
        self.journal = Journal(folder / "journal.jsonl")
        self._report = Report(seed)
        write_small_models(folder / "models")
        write_vision_model(folder / "models")
        self._python = FakePython(folder / "sglang", delay=0.05, slots=8)
        flags = ["--token", TOKEN, "--engine", "sglang", "--sglang-python", str(self._python.path)]
        flags += ["--model-dir", str(folder / "models"), "--workers", "2", "--workers-vlm", "2"]
        flags += ["--gpu-idle-timeout", "3", "--gpu-release-timeout", "12"]
        self._calm = LiveServer(folder / "calm", *flags, token=TOKEN)
        self._server = LiveServer(folder / "data", *flags, token=TOKEN)
        self._users: list[User] = []
        self._killed: list[float] = []
        self._ready = True
        self._restarted = 0.0

    def run(self) -> Report:
        """Everything, from the undisturbed results to the last check."""
        with self._calm:
            catalogue = Catalogue.read(self._calm)
        self._say(f"{len(catalogue.files)} documents read undisturbed, {self.journal.now:.0f} s")
        with self._server:
            users = [User(name, self._server.url, TOKEN, catalogue, self.journal) for name in ("ann", "ben")]
            self._users, users[0].other, users[1].other = users, users[1], users[0]
            try:
                for user in users:
                    user.start()
                self._kill_all()
                self._calm_down()
                self._read_again()
                audit.check_tasks(users, catalogue, self._server.data, self.journal)
                self._report.outcomes = audit.outcomes(users)
            except Exception as error:
                self.journal.note("the run itself broke off", error=repr(error))
                raise
            finally:
                for user in users:
                    user.stop()
        self._check_rest()
        return self._finished()

    # ------------------------------------------------------------ kills

    def _kill_all(self) -> None:
        plan = rounds(self._seed)
        while (done := sum(self._report.kills.values())) < self._wanted:
            if len(self.journal.violations) > _ENOUGH:
                return
            (now,) = islice(plan, 1)
            for user, actions in zip(self._users, now.actions, strict=True):
                user.give(actions)
            self._until(lambda: max(user.behind for user in self._users) < _BEHIND, 120, ready=False)
            if self._backlog() > _BACKLOG:
                self._until(lambda: self._backlog() <= _BACKLOG, 8, ready=True)
            self._kill(now.number, now.kill)
            if (done + 1) % 25 == 0:
                self._say(f"round {now.number}: {done + 1} kills, {self.journal.now:.0f} s")
        self._be_ready()

    def _backlog(self) -> int:
        return sum(user.unfinished() for user in self._users)

    def _kill(self, number: int, kill: Kill) -> None:
        if not kill.early:
            self._be_ready()
        self._pause(kill.after)
        pids = self._prey(kill)
        if not pids:
            self._report.missed += 1
            self.journal.note("missed", round=number, targets=kill.targets)
            return
        waiting = self._backlog()
        hit = processes.strike(list(pids.values()))
        self._report.kills[" + ".join(kill.targets)] += 1
        self._report.signals += len(hit)
        self.journal.note("kill", round=number, targets=kill.targets, pids=pids, hit=len(hit))
        if waiting:
            self._killed.append(self.journal.now)
        if "web" in kill.targets:
            self._restart()

    def _prey(self, kill: Kill) -> dict[str, int]:
        """The process to kill of each kind; nothing when one kind is not there for a while."""
        found: dict[str, int] = {}

        def complete() -> bool:
            assert self._server.process is not None
            data = self._server.data
            kinds = {"web": [self._server.process.pid], "worker": [], "engine": []}
            if "worker" in kill.targets:
                kinds["worker"] = processes.workers(data)
            if "engine" in kill.targets:
                kinds["engine"] = processes.engines(data)
            for name in kill.targets:
                if kinds[name]:
                    found[name] = kinds[name][int(kill.pick * len(kinds[name]))]
            return len(found) == len(kill.targets)

        return found if self._until(complete, _WAIT_FOR_PREY, ready=False) else {}

    def _restart(self) -> None:
        process = self._server.process
        assert process is not None
        code = process.wait(60)
        if code != -9:
            self.journal.wrong("the web process ended by itself", code=code, log=self._log())
        audit.check_processes(self._server.data, self.journal, lambda: self._wait(0.05))
        self._server.start(wait=False)
        self._ready, self._restarted = False, self.journal.now

    def _be_ready(self) -> None:
        if not self._ready:
            self._server.wait_ready(180)
            self._ready = True
            taken = self.journal.now - self._restarted
            self._report.longest_restart = max(self._report.longest_restart, taken)

    # ------------------------------------------------------------ the end

    def _calm_down(self) -> None:
        """Nothing is killed any more: everybody finishes, everything ends."""
        self._say(f"calm from {self.journal.now:.0f} s on, {self._backlog()} tasks unfinished")
        self.journal.note("calm")
        for user in self._users:
            if not user.finish_actions(_CALM):
                self.journal.wrong(f"{user.name} did not come to an end")
        if not self._until(lambda: not self._backlog(), _CALM, ready=True):
            self.journal.wrong("not everything ended", tasks=self._backlog())
        self._report.sent = sum(len(user.sent) for user in self._users)

    def _read_again(self) -> None:
        """What failed because its processes were killed again and again reads well when asked once more."""
        again: list[tuple[User, str]] = []
        for user in self._users:
            asked = {sent.task_id: sent for sent in user.sent.values()}
            for task in user.listed():
                error = task["error"]
                if error and error["code"] in audit.KILLED_CODES:
                    self._report.after_retry[f"{task['status']}, {error['code']}"] += 1
                    self.journal.note("retry at the end", task=task["id"], error=error)
                    user.ask("POST", f"/api/v1/tasks/{task['id']}/retry")
                    again.append((user, task["id"]))
                    if task["id"] in asked:
                        asked[task["id"]].ended_by = "retry"
        for user, task_id in again:
            user.end(task_id)

    def _check_rest(self) -> None:
        data = self._server.data
        audit.check_processes(data, self.journal, lambda: self._wait(0.05))
        audit.check_files(data, self.journal)
        audit.check_database(data, self.journal)
        audit.check_log(self._server.log, self.journal)
        if breaks := self._python.rule_breaks():
            self.journal.wrong("rules of the model server were broken", rules=breaks)
        assert self._server.process is not None
        if self._server.process.returncode != 0:
            self.journal.wrong("the server did not end well", code=self._server.process.returncode)

    def _finished(self) -> Report:
        report = self._report
        report.seconds = self.journal.now
        report.violations = self.journal.violations
        progress = sorted(at for user in self._users for seen in user.seen.values() for at in seen.progress)
        for kill in self._killed:
            later = next((at for at in progress if at > kill), kill)
            report.longest_recovery = max(report.longest_recovery, later - kill)
        self.journal.note("end", violations=len(report.violations))
        self.journal.close()
        return report

    # ------------------------------------------------------------ small things

    def _until(self, condition: Callable[[], bool], seconds: float, ready: bool) -> bool:
        """Whether it came true in that time; ``ready``: the server is waited for first."""
        if ready:
            self._be_ready()
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._wait(0.05)
        return True

    def _wait(self, seconds: float) -> None:
        self._pause(seconds)

    def _log(self) -> str:
        return self._server.log.read_text()[-1500:]


def replay(report: Report, kills: int) -> str:
    """How to see the same again."""
    return f"make chaos KILLS={kills} SEED={report.seed}"


def run(folder: Path, seed: int, kills: int, say: Callable[[str], None] = lambda _: None) -> Report:
    """One run; ``folder`` must be empty."""
    return Harness(folder, seed, kills, say).run()


def summary(report: Report, kills: int, journal: Path) -> str:
    """What to print at the end."""
    parts: list[Any] = [report.table(), ""]
    parts += [f"WRONG: {text[:2000]}" for text in report.violations]
    parts += [f"journal: {journal}", f"the same again: {replay(report, kills)}"]
    return "\n".join(parts)
