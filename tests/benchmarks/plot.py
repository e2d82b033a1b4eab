"""The turns at 2 ms a round trip as bars, in an SVG that needs no library."""

from pathlib import Path
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP = 860, 300, 16, 10


def draw(results: dict[str, Any], path: Path) -> Path:
    """A plain and a two-tool turn on the longest history measured, for each contestant."""
    history = results["sizes"]["histories"][-1]
    bars = list(_bars(results["measured"], history))
    longest = max((milliseconds for _, *both in bars for milliseconds in both), default=1)
    scale = (WIDTH - LABEL - 80) / longest
    rows = [_row(number, bar, scale) for number, bar in enumerate(bars)]
    height = 60 + len(bars) * (2 * BAR + GAP)
    title = f"A turn on {history} messages at 2 ms a round trip, ms (median): plain above, two tools below"
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"'
        f' font-size="12"><rect width="100%" height="100%" fill="white"/><text x="10" y="24" font-size="14">'
        f"{escape(title)}</text>{''.join(rows)}</svg>\n"
    )
    return path


def _bars(measured: list[dict[str, Any]], history: int) -> Any:
    turns = [one for one in measured if one["measure"] == "turn" and one.get("where") == "delayed"]
    turns = [one for one in turns if one["history"] == history]
    for name in dict.fromkeys(one["contestant"] for one in turns):
        plain, tools = (
            [median(one["seconds"]) * 1000 for one in turns if one["contestant"] == name and one["tools"] == count]
            for count in (0, 2)
        )
        yield name, *(plain or [0]), *(tools or [0])


def _row(number: int, bar: tuple[str, float, float], scale: float) -> str:
    name, *both = bar
    top = 46 + number * (2 * BAR + GAP)
    colour = "#0f766e" if name.startswith("this project") else "#94a3b8"
    parts = [f'<text x="{LABEL - 8}" y="{top + BAR + 4}" text-anchor="end">{escape(name)}</text>']
    for position, milliseconds in enumerate(both):
        y = top + position * BAR
        parts.append(
            f'<rect x="{LABEL}" y="{y}" width="{milliseconds * scale:.1f}" height="{BAR - 2}" fill="{colour}"/>'
            f'<text x="{LABEL + milliseconds * scale + 5:.1f}" y="{y + BAR - 4}">{milliseconds:.1f}</text>'
        )
    return "".join(parts)
