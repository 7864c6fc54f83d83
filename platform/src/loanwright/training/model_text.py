"""LightGBM's text form of a booster, with everything of the machine that wrote it made uniform."""

from __future__ import annotations

import re

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
}
"""Parameters that say how and where training ran and not what came of it, and the value each one is given."""
_LINE = re.compile(rf"^\[({'|'.join(_UNIFORM)}): .*\]$", re.MULTILINE)
_END = "pandas_categorical:null\n"


def normalise(text: str) -> str:
    """The model text that equal training gives on every machine; it loads and scores as the given one.

    Args:
        text: what ``Booster.model_to_string`` returned.

    Raises:
        IntegrityFault: it is not the text of a whole model made from matrices.
    """
    start, end = text.find("\nparameters:\n"), text.find("\nend of parameters\n")
    if not text.startswith("tree\n") or not 0 < start < end or not text.endswith(_END):
        raise IntegrityFault("the text of the trained model is not whole: its parameters or its end are missing")
    uniform = _LINE.sub(lambda match: f"[{match[1]}: {_UNIFORM[match[1]]}]", text[start:end])
    return text[:start] + uniform + text[end:]
