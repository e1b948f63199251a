"""A figure of boxes and arrows, as SVG."""

import dataclasses
import html
from collections.abc import Sequence

COLOURS = {  # fill and outline
    "picture": ("#f1f3f4", "#5f6368"),
    "convolution": ("#e3eefb", "#3b6ea8"),
    "attention": ("#fdebd3", "#c77414"),
    "block": ("#e4f2e7", "#3c8350"),
    "resize": ("#efe6f7", "#7a4fa3"),
}
STYLE = """
text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #202124; }
text.middle { text-anchor: middle; }
text.title { font-weight: 600; }
text.small { font-size: 11px; fill: #5f6368; }
.line { fill: none; stroke: #5f6368; stroke-width: 1.4; }
.dashed { fill: none; stroke: #9aa0a6; stroke-dasharray: 5 4; }
"""
HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8z" fill="#5f6368"/></marker></defs>'
)
Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Box:
    """A box in a figure: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        """The middle of the left side; `right`, `top` and `bottom` likewise."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y - self.height / 2

    @property
    def bottom(self) -> Point:
        return self.x, self.y + self.height / 2


class Figure:
    """An SVG picture of boxes and arrows; sizes are in pixels, the origin is at the top left."""

    def __init__(self, width: int, height: int):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">',
            f"<style>{STYLE}</style>",
            HEAD,
            f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        ]

    def box(self, x, y, label, kind="convolution", width=80, height=34) -> Box:
        """A box with its label, which may have several lines."""
        fill, outline = COLOURS[kind]
        self.parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" '
            f'height="{height}" rx="5" fill="{fill}" stroke="{outline}"/>'
        )
        lines = label.split("\n")
        for number, line in enumerate(lines):
            self.text(x, y + 4.5 + 15 * (number - (len(lines) - 1) / 2), line, "middle")
        return Box(x, y, width, height)

    def sign(self, x, y, label="+") -> Box:
        """A small circle with a sign: a sum or a product."""
        self.parts.append(f'<circle cx="{x}" cy="{y}" r="10" fill="#ffffff" stroke="#5f6368"/>')
        self.text(x, y + 4.5, label, "middle")
        return Box(x, y, 20, 20)

    def arrow(self, *points: Point) -> None:
        """A line through the points, with a head at its end."""
        self._line(points, ' marker-end="url(#head)"')

    def line(self, *points: Point) -> None:
        """The same without the head."""
        self._line(points, "")

    def _line(self, points, ending: str) -> None:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        line = f'<polyline class="line" points="{path}"{ending}/>'
        if line not in self.parts:
            self.parts.append(line)

    def flow(self, boxes: Sequence[Box]) -> None:
        """Arrows from each box to the next one on its right."""
        for before, after in zip(boxes, boxes[1:], strict=False):
            self.arrow(before.right, after.left)

    def row(self, y, *boxes) -> list[Box]:
        """Boxes given as `(x, label, kind, width)`, the last two as they are needed, and arrows."""
        made = [self.box(x, y, *options) for x, *options in boxes]
        self.flow(made)
        return made

    def text(self, x, y, text, kind="") -> None:
        """One line of text."""
        name = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{name}>{html.escape(text)}</text>')

    def frame(self, x, y, width, height, title) -> None:
        """A dashed frame around the details of something, with its title."""
        self.parts.append(
            f'<rect class="dashed" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
        )
        self.text(x + 12, y + 22, title, "title")

    def over(self, before: Point, after: Point, y: float) -> None:
        """A skip from one point up or down to the height `y` and to another point."""
        self.arrow(before, (before[0], y), (after[0], y), after)

    def svg(self) -> str:
        """The text of the SVG file."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"
