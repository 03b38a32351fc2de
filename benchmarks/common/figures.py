"""Figures of a benchmark: a short table for people, one JSON document for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    aim: str = ""
    """What the project wants it to be; empty for a floor, a comparison or a detail."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a benchmark found out; ``notes`` are sentences for what could not be measured."""

    benchmark: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()


def options(description: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark, with ``--json``; a benchmark adds its own options."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="for programs: one JSON document on standard output")
    return parser


def show(report: Report, as_json: bool) -> None:
    """Print a report."""
    if as_json:
        print(json.dumps(asdict(report), indent=1))
        return
    width = max(len(figure.name) for figure in report.figures)
    for figure in report.figures:
        aim = f"   aim: {figure.aim}" if figure.aim else ""
        print(f"{figure.name:<{width}}  {_digits(figure.value):>10} {figure.unit}{aim}")
    for note in report.notes:
        print(note)


def main_of(description: str | None, benchmark: str, measure: Callable[[], Sequence[Figure]]) -> None:
    """The ``main`` of a benchmark that has no options of its own."""
    arguments = options(description).parse_args()
    show(Report(benchmark, measure()), arguments.json)


def _digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"
