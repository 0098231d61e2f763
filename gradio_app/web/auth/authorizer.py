"""Authorizer: the one rule of who may do what. Routes, functions, files, events and lists all ask it.

Covers: what an identity may do with tasks, with what Gradio keeps, and with the server. Does not cover: who
somebody is (``credentials``), and from where they may come (``origin``). See: docs/adr/0016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradio_app.store.task import Task
from gradio_app.web.auth.credentials import Identity

#: see: know that it is there. use: continue or end what was begun. administer: what touches everybody
Action = Literal["see", "read", "change", "use", "administer"]
Kind = Literal[
    "probe", "link", "server", "task", "unfinished_task", "all_tasks", "request", "file", "session"
]
Role = Literal["anybody", "user", "owner", "admin"]


@dataclass(frozen=True, slots=True)
class Resource:
    """What somebody wants to do something with, and the names of those whose it is."""

    kind: Kind
    owners: frozenset[str] = frozenset()


PROBE, LINK, SERVER, ALL_TASKS = (
    Resource("probe"),
    Resource("link"),
    Resource("server"),
    Resource("all_tasks"),
)

_OWN: frozenset[Role] = frozenset({"owner", "admin"})
#: what is not in this table nobody may do
_RULES: dict[tuple[Kind, Action], frozenset[Role]] = {
    # that it lives, for supervisors
    ("probe", "read"): frozenset({"anybody"}),
    # a document by a link, whose secret the route checks
    ("link", "read"): frozenset({"anybody"}),
    # the page, the queue's summary, figures, the state of cards and machines; new tasks
    ("server", "read"): frozenset({"user"}),
    ("server", "administer"): frozenset({"admin"}),
    ("task", "see"): _OWN,
    # of others one sees that they wait
    ("unfinished_task", "see"): frozenset({"user"}),
    **{(kind, action): _OWN for kind in ("task", "unfinished_task") for action in ("read", "change")},
    # names and ends of everybody's
    ("all_tasks", "read"): frozenset({"admin"}),
    # a group of tasks, for a client of another server
    ("request", "read"): _OWN,
    # uploads before their task, archives after it
    ("file", "read"): _OWN,
    # what Gradio began for somebody: taking its answers away harms them, so not even the administrator may
    ("session", "use"): frozenset({"owner"}),
}


class Authorizer:
    """Decides; without state. ``user`` is None for somebody who has not signed in."""

    def is_authorized(self, user: Identity | None, action: Action, resource: Resource) -> bool:
        """Whether ``user`` may do ``action`` with ``resource``."""
        if resource.kind in ("file", "session") and not resource.owners:
            return False  # without a known owner it is nobody's
        return not _RULES.get((resource.kind, action), frozenset()).isdisjoint(_roles(user, resource))


def of_task(task: Task) -> Resource:
    """A task as the rules know it."""
    return Resource("task" if task.ended else "unfinished_task", frozenset({task.owner}))


def _roles(user: Identity | None, resource: Resource) -> set[Role]:
    roles: set[Role] = {"anybody"}
    if user is not None:
        roles.add("user")
        if user.name in resource.owners:
            roles.add("owner")
        if user.admin:
            roles.add("admin")
    return roles


authorizer = Authorizer()
