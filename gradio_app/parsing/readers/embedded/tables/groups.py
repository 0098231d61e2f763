"""Groups: disjoint sets of numbers that are joined pair by pair."""

from __future__ import annotations


class Groups:
    """Numbers from 0 on, at first each in a group of its own."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, number: int) -> int:
        """The number that stands for the group."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Makes the groups of two numbers one."""
        self._parent[self.root(one)] = self.root(other)
