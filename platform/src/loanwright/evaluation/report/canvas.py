"""Draws one figure as an accessible piece of SVG that takes its colours and fonts from the page around it.

Matplotlib computes the geometry; `dressing` makes of its file what the page needs.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loanwright.evaluation.report.dressing import INK, MUTED, RULE, dressed
from loanwright.evaluation.report.numbers import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

WIDTH = 420
"""Every figure's width in its own units, which are CSS pixels where it is shown at its natural size."""

TEXT, SMALL = 13.0, 12.0


def draw(name: str, title: str, description: str, paint: Callable[[Figure], None], *, height: int = 300) -> str:
    """The SVG of what `paint` draws on an empty figure of WIDTH by `height` units.

    Args:
        name: unique on the page; letters and hyphens.
        title, description: what a reader who does not see the figure is told.

    Returns:
        An `<svg role="img">` element, the same bytes for the same drawing.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {
        "svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False, "lines.linewidth": 1.8,
        "xtick.major.size": 0, "ytick.major.size": 0, "xtick.major.pad": 7, "ytick.major.pad": 6,
    }  # fmt: skip
    buffer = io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings():
        # Only the browser draws text; that matplotlib's own font lacks a character does not matter.
        warnings.filterwarnings("ignore", message="Glyph ", category=UserWarning)
        mpl.rcParams.update({key: value for key, value in mpl.rcParamsDefault.items() if key != "backend"})
        mpl.rcParams.update(settings)
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        figure.patch.set_visible(False)
        FigureCanvasSVG(figure)
        paint(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return dressed(buffer.getvalue(), name, title, visible(description), (WIDTH, height))


def plot(figure: Figure, *, left: int = 52, right: int = 16, top: int = 36, bottom: int = 54) -> Axes:
    """Axes within these margins (units), with nothing but a base line and no ticks yet."""
    height = figure.get_figheight() * 72
    axes = figure.add_axes(
        (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height)
    )
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.spines["bottom"].set_linewidth(0.8)
    axes.patch.set_visible(False)
    axes.set_axisbelow(True)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def ticks(
    axes: Axes, which: Literal["x", "y"], values: Sequence[float], labels: Sequence[str], *, grid: bool = True
) -> None:
    """Sets the marks of one axis (`x` or `y`) and, if `grid`, hairlines through them."""
    put = axes.set_xticks if which == "x" else axes.set_yticks
    put(values, labels=labels, fontproperties=_font(SMALL), color=MUTED)
    if grid:
        axes.grid(axis=which, color=RULE, linewidth=0.8)


def titles(figure: Figure, axes: Axes, x: str, y: str) -> None:
    """Names both axes: the upright one in a line above it, where it can be read without turning the head."""
    box = axes.get_position()
    height = figure.get_figheight() * 72
    write(figure, ((box.x0 + box.x1) / 2, 7 / height), x, align="center", tone=MUTED)
    write(figure, (2 / WIDTH, 1 - 14 / height), y, tone=MUTED)


def write(
    where: Axes | Figure,
    at: tuple[float, float],
    text: str,
    *,
    offset: tuple[float, float] = (0, 0),
    align: str = "left",
    tone: str = INK,
    size: float = TEXT,
    bold: bool = False,
) -> None:
    """Text whose baseline starts, ends or is centred at a point in data coordinates (a figure: in fractions)."""
    style: dict[str, Any] = {
        "ha": align, "va": "baseline", "color": tone, "fontproperties": _font(size), "fontweight": 600 if bold else 400,
    }  # fmt: skip
    shown = visible(text)
    if hasattr(where, "annotate"):
        where.annotate(shown, at, xytext=offset, textcoords="offset points", annotation_clip=False, **style)
    else:
        where.text(*at, shown, **style)


@functools.cache
def _font(size: float) -> FontProperties:
    """Matplotlib's own font by its path: where text goes depends on no other font of the machine."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size=size)
