"""What a report is made of before it is a page: headings, facts, tables and figures, the same for HTML and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

BLANK = "\N{FIGURE SPACE}" * 24
"""A value that is to be filled in by hand; renderers draw a line in its place."""
DASH = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as it is printed."""

    text: str
    number: float | None = None
    """The same to the last digit, where it is a number."""
    out: bool = False
    """Beyond its limits: printed with emphasis."""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: its name, the symbol (``V_i`` has an index) and the unit below."""

    name: str
    symbol: str = ""
    unit: str = ""
    kind: str = "text"
    """``text``, ``number`` or ``verdict``."""
    width: float = 0.0
    """Share of the width that is left; 0: as wide as its content, which must be short then."""


Row = tuple[Cell | str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; the head is repeated on each page."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    caption: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values; ``BLANK`` is a line to be filled in."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph: ``plain``, a ``note``, a ``warning``, or ``mono`` for a hash."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG text."""

    svg: str
    caption: str
    width: float = 1.0
    """Share of the page's width; figures of half the width stand side by side."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Lines to sign on."""

    roles: tuple[str, ...]


Block = Table | Facts | Text | Figure | Signatures


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part of the report."""

    number: str
    """As in ISO 4064-3 where it has one: ``4.5.2``."""
    title: str
    blocks: Sequence[Block] = ()
    sections: Sequence[Section] = ()
    collapsed: bool = False
    """On a screen its content is opened by a click: it is long, and seldom looked at."""
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    kicker: str
    title: str
    subtitle: str
    date: str
    """UTC of the record, ISO 8601."""
    verdict: str
    conclusion: str
    banners: tuple[str, ...]
    run: str
    head_hash: str
    software: str
    front: Sequence[Block]
    """The page that a manager reads."""
    sections: Sequence[Section] = field(default_factory=tuple)
