"""A machine where parts are read: what it can take now, and for how long it is left out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: a machine that has a trouble of its own gets nothing for so many seconds; nor does one that lost a part,
#: until it is known what became of it
LEFT_OUT, LOST_OUT = 30.0, 5.0


@dataclass(slots=True)
class Place:
    """Where parts are read. ``busy`` counts them by kind, as ``slots`` does. No ``key``: this machine."""

    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    busy: Counter[bool] = field(default_factory=Counter[bool])
    pages: int = 0
    out_until: dict[bool, float] = field(default_factory=dict[bool, float])

    def slots(self, vision: bool) -> int:
        """How many parts it takes at the same time now."""
        if time.monotonic() < self.out_until.get(vision, 0.0) or self.facts.get("status") != "ready":
            return 0
        return int(self.facts["slots"]["vision" if vision else "compute"])

    def fits(self, models: bool) -> bool:
        """Whether it is there, and has the small models where they are needed."""
        return self.facts.get("status") == "ready" and bool(not models or self.facts.get("models"))

    def leave_out(self, *kinds: bool, seconds: float = LEFT_OUT) -> None:
        """Gives it no parts of these kinds for a while."""
        until = time.monotonic() + seconds
        self.out_until |= {kind: max(until, self.out_until.get(kind, 0.0)) for kind in kinds}
