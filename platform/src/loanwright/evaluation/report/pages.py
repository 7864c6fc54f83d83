"""What all our pages share: the style, the macros, and how names, numbers and times are written into HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.evaluation.report import numbers, words

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
_TIMES = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z?)?")


def page_environment(*folders: Path) -> Environment:
    """Where templates are found, first in these folders, and what they may use."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=numbers.number,
        short=numbers.short,
        signed=numbers.signed,
        percent=numbers.percent,
        moment=numbers.moment,
        count=numbers.count,
        span=numbers.span,
        percent_span=numbers.percent_span,
        breakable=_breakable,
        clipped=numbers.clipped,
        unbroken=_unbroken,
    )
    environment.globals.update(dash=numbers.DASH, metric_words=words.metric_words)
    return environment


def page_style() -> Markup:
    """The style sheet of all pages."""
    from markupsafe import Markup

    return Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8").strip())  # noqa: S704 - our own file


def _breakable(text: str) -> Markup:
    """A name that a browser may break behind its underscores."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def _unbroken(text: str) -> Markup:
    """A text whose days and times a browser never breaks at their hyphens."""
    from markupsafe import Markup, escape

    return Markup(_TIMES.sub(r'<span class="time">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped before
