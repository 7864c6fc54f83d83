"""LightGBM's text form of a booster: taken apart into trees, put together again, and made uniform.

Nothing of the machines that wrote it is left, nor of how many there were. What LightGBM writes itself is written by
it: only its own lines are moved or given other values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from loanwright.errors import IntegrityFault

_UNIFORM = {
    "num_threads": "0",
    "num_machines": "1",
    "machines": "",
    "machine_list_filename": "",
    "local_listen_port": "12400",
    "time_out": "120",
    "device_type": "cpu",
    "verbosity": "-1",
    "metric": "",
}
"""Parameters that say how and where training ran and not what came of it, and the value each one is given."""
_LINE = re.compile(r"^\[(\w+): .*\]$", re.MULTILINE)
_TREE = re.compile(r"^Tree=\d+\n", re.MULTILINE)
_END = "pandas_categorical:null\n"
_TREES_END = "end of trees\n"
_OBJECTIVE = "objective=binary sigmoid:1\n"


class Tree:
    """One tree's lines, without its number: ``name=value``."""

    def __init__(self, text: str) -> None:
        self._lines = dict(line.split("=", 1) for line in text.strip().splitlines())

    @property
    def leaves(self) -> int:
        """How many leaves it has; 1 if it has no split."""
        return int(self._lines["num_leaves"])

    def numbers(self, name: str) -> list[float]:
        """The numbers of a line."""
        return [float(number) for number in self._lines[name].split()]

    def places(self, name: str) -> list[int]:
        """The whole numbers of a line."""
        return [int(number) for number in self._lines[name].split()]

    def write(self, name: str, values: Sequence[float | int]) -> None:
        """Gives a line other numbers."""
        self._lines[name] = " ".join(repr(value) if isinstance(value, int) else f"{value:.17g}" for value in values)

    def text(self, number: int) -> str:
        """As it stands in a model."""
        return "\n".join([f"Tree={number}", *(f"{name}={value}" for name, value in self._lines.items()), "\n\n"])


def trees_of(text: str) -> list[Tree]:
    """The trees of a model's text."""
    body = text[: text.index(_TREES_END)]
    return [Tree(part) for part in _TREE.split(body)[1:]]


def assembled(text: str, trees: Sequence[Tree]) -> str:
    """The text of a model of these trees, with the head and the parameters of another one's text.

    LightGBM itself counts what it writes of all trees together.
    """
    import lightgbm as lgb

    head, _, rest = text.partition("\ntree_sizes=")
    if "\nobjective=" not in head:  # gradients of our own have no name of LightGBM's
        head = re.sub(r"^(max_feature_idx=.*\n)", rf"\1{_OBJECTIVE}", head, count=1, flags=re.MULTILINE)
    body = "".join(tree.text(number) for number, tree in enumerate(trees))
    tail = rest[rest.index(_TREES_END) :]
    # Without `tree_sizes`, LightGBM looks for the trees' first lines.
    return str(lgb.Booster(model_str=f"{head}\n\n{body}{tail}").model_to_string())


def normalise(text: str, declared: Mapping[str, str] | None = None) -> str:
    """The model text that equal training gives on every machine; it loads and scores as the given one.

    Args:
        text: what ``Booster.model_to_string`` returned.
        declared: values of other parameters, to stand there instead of LightGBM's.

    Raises:
        IntegrityFault: it is not the text of a whole model made from matrices.
    """
    start, end = text.find("\nparameters:\n"), text.find("\nend of parameters\n")
    if not text.startswith("tree\n") or not 0 < start < end or not text.endswith(_END):
        raise IntegrityFault("the text of the trained model is not whole: its parameters or its end are missing")
    values = {**_UNIFORM, **(declared or {})}
    uniform = _LINE.sub(
        lambda match: f"[{match[1]}: {values[match[1]]}]" if match[1] in values else match[0], text[start:end]
    )
    return text[:start] + uniform + text[end:]
