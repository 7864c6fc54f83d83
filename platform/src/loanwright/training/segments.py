"""Rounds in segments: what one segment of the training leaves behind, and a model put together from segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from loanwright.training.leaves import write_counts
from loanwright.training.model_text import Tree, assembled, trees_of


@dataclass(frozen=True)
class Segment:
    """Some rounds in a row.

    Attributes:
        text: what LightGBM writes of the trees grown in these rounds.
        grown: for each round whether a tree was grown: there is none where no split improves anything.
        values: the early-stopping metric after each round; empty without.
        counts: for each tree how many rows fitted on fell into each leaf, where LightGBM does not know; else empty.
    """

    text: str
    grown: tuple[bool, ...]
    values: tuple[float, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Segment:
        """From what `as_json` gave."""
        counts = tuple(tuple(tree) for tree in value["counts"])
        return cls(value["text"], tuple(value["grown"]), tuple(value["values"]), counts)

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        counts = [list(tree) for tree in self.counts]
        return {"text": self.text, "grown": list(self.grown), "values": list(self.values), "counts": counts}

    @property
    def trees(self) -> list[Tree]:
        """The trees with a split, one for each round that has grown one."""
        trees = [tree for tree in trees_of(self.text) if tree.leaves > 1]
        if self.counts:
            for tree, leaves in zip(trees, self.counts, strict=True):
                write_counts(tree, leaves)
        return trees


@dataclass(frozen=True)
class Progress:
    """All segments so far."""

    segments: tuple[Segment, ...] = ()

    def __add__(self, segment: Segment) -> Progress:
        return Progress((*self.segments, segment))

    @property
    def rounds(self) -> int:
        """How many rounds were trained."""
        return sum(len(segment.grown) for segment in self.segments)

    @property
    def values(self) -> list[float]:
        """The early-stopping metric after each round."""
        return [value for segment in self.segments for value in segment.values]

    def trees_after(self, rounds: int) -> int:
        """How many trees so many rounds have grown."""
        grown = [flag for segment in self.segments for flag in segment.grown]
        return ([0, *accumulate(grown)])[rounds]

    def model(self, rounds: int, start: float) -> tuple[str, list[Tree]]:
        """The model of the first rounds: the text that its head is taken from, and its trees.

        Args:
            rounds: how many.
            start: the log-odds before the first tree; the first tree gets them.
        """
        trees = [tree for segment in self.segments for tree in segment.trees][: self.trees_after(rounds)]
        if trees:
            for line in ("leaf_value", "internal_value"):
                trees[0].write(line, [start + value for value in trees[0].numbers(line)])
        return self.segments[0].text, trees

    def text(self, rounds: int, start: float) -> str:
        """The text of that model."""
        return assembled(*self.model(rounds, start))


def bounds(rounds: int, length: int, done: int) -> Sequence[tuple[int, int]]:
    """The segments that are left: the first round of each, counted from 0, and the one behind its last."""
    return [(first, min(first + length, rounds)) for first in range(done, rounds, length)]
