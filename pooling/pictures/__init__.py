"""A picture: one figure or several side by side, the rows they draw, and what to notice in them, as one object.

Whoever shows a picture has all of it: the sentence, the table and the downloads. The pictures of a page
stand in the file of its name, where they are more than a chart, its table and its notice.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import plotly.graph_objects as go

    Draw = Callable[..., go.Figure]


HALL_LETTERS = 20
"""The size of letters in a chart that a class looks at, in pixels."""


@dataclass(frozen=True)
class Panel:
    """One figure of a picture."""

    draw: "Draw"
    """A function of `pooling.charts` with its tables: `partial(head_scores, table)`."""
    key: str = ""
    """Its name on a page; without one, the picture's."""
    alt: str = ""
    """What it says to those who cannot see it; without it, what there is to notice."""
    title: str = ""
    """Markdown above it."""


@dataclass(frozen=True)
class Line:
    """Figures side by side."""

    panels: tuple[Panel, ...]
    widths: tuple[int, ...] = (1,)
    """Of the columns; one that no figure takes is left free."""


@dataclass(frozen=True)
class Picture:
    """A figure, or lines of several, the rows that are drawn, what to notice, and captions between the two.

    What there is to notice is no second telling of what is drawn: where nothing stands out, it is empty.
    """

    draw: "Draw | tuple[Line, ...]"
    """Of one figure, what draws it, as for a `Panel`."""
    rows: pd.DataFrame
    noticed: str
    captions: tuple[str, ...] = ()
    """Markdown."""
    alt: str = ""
    """What it says to those who cannot see it; without it, what there is to notice."""
    _made: "dict[tuple[bool, bool], list[go.Figure]]" = field(default_factory=dict, init=False, repr=False)

    @property
    def said(self) -> str:
        """What it says in words, to those who cannot see it and in files."""
        return self.alt or self.noticed

    @property
    def lines(self) -> tuple[Line, ...]:
        """The figures as they stand."""
        return self.draw if isinstance(self.draw, tuple) else (Line((Panel(self.draw),)),)

    def figures(self, *, dark: bool, large: bool = False) -> "list[go.Figure]":
        """Every figure, in order, told whether the page is dark where that makes a difference.

        They are drawn once: who keeps a picture keeps them.

        Args:
            large: for the last row of a hall.
        """
        if (dark, large) not in self._made:
            panels = [panel for line in self.lines for panel in line.panels]
            self._made[dark, large] = [_figure(panel.draw, dark=dark, large=large) for panel in panels]
        return self._made[dark, large]


def _figure(draw: "Draw", *, dark: bool, large: bool) -> "go.Figure":
    made = draw(dark=dark) if "dark" in inspect.signature(draw).parameters else draw()
    if large:
        letters = {"size": HALL_LETTERS}
        made.update_layout(font=letters, legend={"font": letters}, height=1.5 * made.layout.height)
        made.update_annotations(font={"size": HALL_LETTERS})
        made.update_xaxes(tickfont={"size": HALL_LETTERS}).update_yaxes(tickfont={"size": HALL_LETTERS})
        for kind in ("scatter", "bar"):
            made.update_traces(textfont={"size": HALL_LETTERS}, selector={"type": kind})
    return made
