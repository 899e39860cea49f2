"""How figures look: colours, markers and what several of them draw alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart by colour-blind readers; the markers tell the lines apart in grey.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#777777"  # of what is no method: a warm-up that is shared, zero, the diagonal
CROWD = 5  # methods in a panel, above which intervals would hide the lines
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.3,
    "savefig.dpi": 150,
    "svg.hashsalt": "supernet",
}


def look(number: int) -> dict[str, Any]:
    """Colour, marker and dashes of the line of that number; no two of the first 56 are alike."""
    turn, colour = divmod(number, len(COLOURS))
    marker, dashes = MARKERS[(colour + turn) % len(MARKERS)], ("-", "--")[turn % 2]
    return {"color": COLOURS[colour], "marker": marker, "linestyle": dashes}


def diamond(axis: "Axes", row: int, one: Mapping[str, Any], factor: float) -> None:
    """The mean of ``one`` row and its interval, at height ``row``; ``factor`` 100 draws fractions in percent."""
    axis.hlines(row, factor * one["low"], factor * one["high"], color=COLOURS[2], linewidth=2, zorder=3)
    axis.scatter([factor * one["value"]], [row], s=26, color=COLOURS[2], marker="D", zorder=4)
