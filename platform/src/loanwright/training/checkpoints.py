"""Checkpoints: one small object for each segment of rounds, from which an equal training goes on.

Their place is named by all that the trees depend on: the training table, bins, split and training section, the
version of LightGBM and our own code. So what is found there is a part of the very model that is being trained; it
carries a digest of its own, and one that is torn, or belongs elsewhere, counts as not there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from loanwright.errors import NotStored
from loanwright.storage import Store, canonical_json, digest_of
from loanwright.training.segments import Progress, Segment

_log = logging.getLogger("loanwright")


class Checkpoints:
    """The segments of one training.

    Args:
        store: where they are kept.
        depends_on: all that the trees depend on, as a JSON value.
    """

    def __init__(self, store: Store, depends_on: Mapping[str, Any]) -> None:
        self.key = digest_of(depends_on)
        self.prefix = f"checkpoints/{self.key}"
        self._store = store

    def load(self) -> Progress:
        """The segments from the first one up to the last that is whole."""
        progress = Progress()
        while (segment := self._read(len(progress.segments))) is not None:
            progress += segment
        if progress.segments:
            _log.info("going on after round %d, from %s/%s", progress.rounds, self._store.root, self.prefix)
        return progress

    def save(self, number: int, segment: Segment) -> None:
        """Stores a segment, counted from 0, unless it is there.

        Raises:
            StorageFault: the store refuses, or cannot be reached.
        """
        body = {"training": self.key, "number": number, "segment": segment.as_json()}
        data = canonical_json({**body, "sha256": digest_of(body)})
        if not self._store.create(self._place(number), data) and self._read(number) is None:
            self._store.write(self._place(number), data)

    def remove(self) -> None:
        """Removes all segments, once the booster is stored; the last one first, so that what is left has no gap."""
        for stored in reversed(list(self._store.list(f"{self.prefix}/"))):
            self._store.delete(stored.key)

    def _place(self, number: int) -> str:
        return f"{self.prefix}/segment-{number:06d}.json"

    def _read(self, number: int) -> Segment | None:
        place = self._place(number)
        try:
            data = self._store.read(place)
        except NotStored:
            return None
        try:
            body = json.loads(data)
            whole = body.pop("sha256") == digest_of(body)
            mine = (body["training"], body["number"]) == (self.key, number)
            segment = Segment.of_json(body["segment"])
        except (ValueError, TypeError, KeyError, AttributeError):
            whole = mine = False
        if whole and mine:
            return segment
        fault = "it is of another training" if whole else "it is torn, or was changed"
        _log.warning("the checkpoint %s/%s is not used: %s", self._store.root, place, fault)
        return None
