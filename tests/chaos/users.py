"""Those who use the server while it is killed: they send, cancel, retry, delete, remember answers."""

from __future__ import annotations

import queue
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.catalogue import BY_NAME, Catalogue
from tests.chaos.journal import Journal
from tests.chaos.plan import Action
from tests.live import ENDED

#: answers that ask for another try
_LATER = (429, 502, 503, 507)
#: until a request has got an answer, however often the server is killed meanwhile
PATIENCE = 240.0


@dataclass
class Sent:
    """A document that was sent, and what was answered about it since.

    ``task_id`` is empty when no answer came and it was not asked again. ``ended_by`` is the last thing asked
    of it that decides how it ends: ``cancel``, ``cancel or end``, ``retry``, or nothing.
    """

    number: int
    document: str
    name: str
    key: str
    cached: bool
    task_id: str = ""
    ended_by: str = ""
    deleted: bool = False
    tries: int = 0


@dataclass
class Seen:
    """What the list of tasks said about one: its last state, and when pages or the task were finished."""

    status: str = ""
    pages: int = 0
    finished_at: float | None = None
    progress: list[float] = field(default_factory=list[float])


class User:
    """Somebody with cookies of their own, who does one thing after the other; a second thread watches."""

    def __init__(self, name: str, url: str, token: str, catalogue: Catalogue, journal: Journal) -> None:
        self.name = name
        self.sent: dict[int, Sent] = {}
        self.seen: dict[str, Seen] = {}
        self.other: User | None = None
        self._url = url
        self._catalogue = catalogue
        self._journal = journal
        self._stop = threading.Event()
        self._todo: queue.Queue[Action | None] = queue.Queue()
        self._client = self._signed_in(token)
        self._watch_client = httpx.Client(base_url=url, timeout=20, cookies=self._client.cookies)
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"{name}-{work.__name__}", daemon=True)
            for work in (self._work, self._watch)
        ]

    def _signed_in(self, token: str) -> httpx.Client:
        """As a browser comes in: the token in the address, cookies from then on."""
        client = httpx.Client(base_url=self._url, timeout=70, follow_redirects=True)
        assert client.get("/", params={"token": token}).status_code == 200
        assert len(client.cookies) >= 2, "a session and an identity"
        return client

    # ------------------------------------------------------------ for the harness

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def give(self, actions: tuple[Action, ...]) -> None:
        """More to do."""
        for action in actions:
            self._todo.put(action)

    @property
    def behind(self) -> int:
        """Things that they have not come to yet."""
        return self._todo.qsize()

    def finish_actions(self, seconds: float) -> bool:
        """Whether they did all that they were given, in that time."""
        self._todo.put(None)
        self._threads[0].join(seconds)
        return not self._threads[0].is_alive()

    def stop(self) -> None:
        """Ends both threads."""
        self._stop.set()
        self._todo.put(None)
        for thread in self._threads:
            thread.join(75)  # a little longer than a request may take
        self._client.close()
        self._watch_client.close()

    def unfinished(self) -> int:
        """Tasks that were accepted and have not been seen to end."""
        known = [item for item in list(self.sent.values()) if item.task_id and not item.deleted]
        return sum(1 for item in known if self.seen.get(item.task_id, Seen()).status not in ENDED)

    def listed(self) -> list[dict[str, Any]]:
        """All of their tasks, as the list tells."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            body = self.ask("GET", "/api/v1/tasks", params={"limit": 1000, "cursor": cursor}).json()
            found += [task for task in body["tasks"] if task["mine"]]
            cursor = body["next"]
            if not cursor:
                return found

    def end(self, task_id: str) -> None:
        """Waits until a task has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.ask("GET", f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] not in ENDED:
            assert time.monotonic() < deadline, f"task {task_id} does not end"

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to a request, which is repeated while the server is away."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self._stop.is_set():
            try:
                answer = self._client.request(method, path, **more)
                if answer.status_code not in _LATER:
                    return answer
            except httpx.TransportError:
                pass
            self._stop.wait(0.1)
        raise AssertionError(f"no answer: {method} {path}")

    # ------------------------------------------------------------ what they do

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except Exception as error:
            if not self._stop.is_set():
                self._journal.wrong(f"{self.name} cannot go on", error=repr(error))

    def _work(self) -> None:
        steps = {
            "send": self._send,
            "cancel": self._cancel,
            "retry": self._retry,
            "delete": self._delete,
            "read": self._read,
            "repeat": self._repeat,
            "peek": self._peek,
            "litter": self._litter,
            "break off": self._break_off,
        }
        while (action := self._todo.get()) is not None and not self._stop.is_set():
            self._stop.wait(action.after)
            told = steps[action.what](action)
            self._journal.note(action.what, who=self.name, number=action.number, answer=told)

    def _send(self, action: Action) -> str:
        document = BY_NAME[action.document]
        name = f"{self.name}-{action.number:04}-{document.name}.{document.suffix}"
        key = f"{self.name}-{action.number}" if action.keyed else ""
        sent = Sent(action.number, document.name, name, key, action.cached)
        self.sent[action.number] = sent
        return self._post(sent)

    def _post(self, sent: Sent) -> str:
        """Sends it, with a key until there is an answer, without one once."""
        document = BY_NAME[sent.document]
        form: dict[str, Any] = {
            "files": [("files", (sent.name, self._catalogue.files[sent.document]))],
            "data": {**document.options, "use_cache": str(sent.cached).lower()},
        }
        sent.tries += 1
        try:
            if sent.key:
                answer = self.ask("POST", "/api/v1/tasks", headers={"Idempotency-Key": sent.key}, **form)
            else:
                answer = self._client.post("/api/v1/tasks", **form)
        except httpx.TransportError:
            return "broken, not repeated"
        if answer.status_code == 201:
            tasks = answer.json()["tasks"]
            self._accepted(sent, [task["id"] for task in tasks])
        elif sent.key or answer.status_code not in _LATER:
            self._journal.wrong("not accepted", name=sent.name, answer=answer.text)
        return f"{answer.status_code} {sent.task_id}"

    def _accepted(self, sent: Sent, ids: list[str]) -> None:
        expected = [] if sent.deleted else [sent.task_id or (ids[0] if ids else "?")]
        if ids != expected:
            self._journal.wrong("a key stands for another task", name=sent.name, ids=ids, expected=expected)
        sent.task_id = sent.task_id or (ids[0] if ids else "")

    def _known(self, action: Action) -> Sent | None:
        sent = self.sent.get(action.number)
        return sent if sent is not None and sent.task_id else None

    def _cancel(self, action: Action) -> str:
        return self._change(action, "cancel", (200, 409))

    def _retry(self, action: Action) -> str:
        return self._change(action, "retry", (200, 409))

    def _change(self, action: Action, what: str, allowed: tuple[int, ...]) -> str:
        sent = self._known(action)
        if sent is None:
            return "nothing"
        before = self.ask("GET", f"/api/v1/tasks/{sent.task_id}")
        answer = self.ask("POST", f"/api/v1/tasks/{sent.task_id}/{what}")
        if answer.status_code not in ((404,) if sent.deleted else allowed):
            self._journal.wrong(f"{what} was answered {answer.status_code}", task=sent.task_id)
        if answer.status_code == 200:
            sent.ended_by = what
        elif answer.status_code == 409 and _was_possible(before, what):
            # a first answer may have broken after it had worked; a cancel may also have come too late
            sent.ended_by = "retry" if what == "retry" else "cancel or end"
        return f"{answer.status_code} {sent.task_id}"

    def _delete(self, action: Action) -> str:
        sent = self._known(action)
        if sent is None:
            return "nothing"
        answer = self.ask("DELETE", f"/api/v1/tasks/{sent.task_id}")
        # 404: it had worked when the first answer broke
        if answer.status_code not in (204, 404):
            self._journal.wrong(f"a deletion was answered {answer.status_code}", answer=answer.text)
        sent.deleted = True
        return f"{answer.status_code} {sent.task_id}"

    def _read(self, action: Action) -> str:
        sent = self._known(action)
        if sent is None:
            return "nothing"
        answer = self.ask("GET", f"/api/v1/tasks/{sent.task_id}/result")
        if sent.deleted and answer.status_code != 404:
            self._journal.wrong("a deleted task answers", task=sent.task_id)
        complete = answer.status_code == 200 and self.seen.get(sent.task_id, Seen()).status == "completed"
        if complete and answer.content != self._catalogue.texts[sent.document]:
            self._journal.wrong("reads otherwise than undisturbed", task=sent.task_id, name=sent.name)
        return f"{answer.status_code} {sent.task_id}"

    def _repeat(self, action: Action) -> str:
        sent = self._known(action)
        return self._post(sent) if sent is not None and sent.key else "nothing"

    def _peek(self, action: Action) -> str:
        theirs = self.other._known(action) if self.other else None
        if theirs is None:
            return "nothing"
        answer = self.ask("GET", f"/api/v1/tasks/{theirs.task_id}")
        if answer.status_code != 404:
            self._journal.wrong("another's task was shown", task=theirs.task_id)
        return str(answer.status_code)

    def _litter(self, action: Action) -> str:
        """An upload to the page that nothing follows."""
        files = {"files": (f"{action.number}.pdf", self._catalogue.files["note-0"])}
        try:
            return str(self._client.post("/gradio_api/upload", files=files).status_code)
        except httpx.TransportError:
            return "broken"

    def _break_off(self, _action: Action) -> str:
        """Half an upload, then nothing more."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        url = httpx.URL(self._url)
        head = (
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nCookie: {cookies}\r\n"
            "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 3000000\r\n\r\n"
            '--B\r\nContent-Disposition: form-data; name="files"; filename="half.pdf"\r\n\r\n'
        )
        try:
            with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
                connection.sendall(head.encode() + b"%PDF-1.4 " * 200_000)
                self._stop.wait(0.2)
        except OSError:
            return "broken"
        return "broken off"

    # ------------------------------------------------------------ what they see

    def _watch(self) -> None:
        rev, restarted = 0, False
        while not self._stop.wait(0.25):
            try:
                answer = self._watch_client.get("/api/v1/tasks", params={"since": rev, "limit": 1000})
            except httpx.TransportError:
                restarted = True
                continue
            if answer.status_code != 200:
                restarted = restarted or answer.status_code in _LATER
                if answer.status_code not in (204, *_LATER):
                    self._journal.wrong(f"the list was answered {answer.status_code}")
                continue
            body = answer.json()
            # a new process does not know which tasks of others somebody has seen: all is listed again
            if (body["reset"] and not restarted) or body["rev"] < rev:
                self._journal.wrong("the list forgot what it had told", rev=rev, now=body["rev"])
            rev, restarted = body["rev"], False
            for task in body["tasks"]:
                if task["mine"]:
                    self._look(task)

    def _look(self, task: dict[str, Any]) -> None:
        seen = self.seen.setdefault(task["id"], Seen())
        if seen.status == "completed" and (
            task["status"] != "completed" or task["finished_at"] != seen.finished_at
        ):
            self._journal.wrong("it was completed twice", task=task["id"], status=task["status"])
        ended = task["status"] in ENDED and seen.status not in ENDED
        if ended or task["pages_done"] > seen.pages:
            seen.progress.append(self._journal.now)
        if task["status"] != seen.status:
            self._journal.note("seen", task=task["id"], status=task["status"], attempt=task["attempt"])
        seen.status, seen.pages, seen.finished_at = task["status"], task["pages_done"], task["finished_at"]


def _was_possible(before: httpx.Response, what: str) -> bool:
    """Whether a change could be made of a task as it was ``before``."""
    if before.status_code != 200:
        return False
    ended = before.json()["status"] in ENDED
    return before.json()["status"] != "completed" and (ended if what == "retry" else not ended)
