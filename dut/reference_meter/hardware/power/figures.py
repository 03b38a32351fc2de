"""Figures from a data file, each with its source and whether that source is one to rely on."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; its unit is in its name."""

    value: float
    confirmed: bool
    """False for what was estimated, chosen by us, or not checked against the maker's data sheet."""
    source: str


@cache
def read_figures(file: str) -> dict[str, dict[str, Figure]]:
    """All figures of a file beside this module, by table and name; ``TypeError`` names what is missing or unknown."""
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return {
        table: {name: Figure(**figure) for name, figure in figures.items()}
        for table, figures in tomllib.loads(text).items()
    }
