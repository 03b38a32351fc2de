"""Tables at terminals of any width: wrapped, never cut. Kind: report."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from meterbench import tables
from meterbench.bench.record import RunRecord, load
from meterbench.bench.store import StoredRun
from tests.conftest import QUICK_METER, station_content, verify

SERIALS = ("100000000000000001", "100000000000000002")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    folder = tmp_path_factory.mktemp("tables") / "run"
    verify(station_content(*(QUICK_METER | {"serial": serial} for serial in SERIALS)), folder)
    return load(folder)


def printed_at(width: int | None, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is printed goes there, as if to a terminal of so many columns, or into a pipe."""
    paper = io.StringIO()
    console = Console(file=paper, width=width or 80, force_terminal=width is not None, color_system=None)
    monkeypatch.setattr(tables, "terminal", lambda: console)
    return paper


def longest_line(text: str) -> int:
    return max(len(line) for line in text.splitlines())


@pytest.mark.parametrize("width", [None, 200, 80, 60, 40, 10])
def test_results_are_never_cut(width: int | None, record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serial, value, uncertainty, limits and verdict stand whole in one line of the table, at any width."""
    paper = printed_at(width, monkeypatch)
    tables.print_results(record)
    lines = [{cell.strip() for cell in line.split("│")} for line in paper.getvalue().splitlines()]
    for row in record.rows:
        limits = {row.limits_text} if " " not in row.limits_text else set()  # may be wrapped
        assert any({row.meter, row.value_text, row.uncertainty_text, row.verdict, *limits} <= cells for cells in lines)
    assert longest_line(paper.getvalue()) <= max(width or 200, 86)


@pytest.mark.parametrize("width", [None, 80])
def test_runs_fit_by_folding(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long name of a run is folded at a terminal, and whole in a pipe; the time is never cut."""
    name = "2026-11-22T07-02-11_initial-verification"
    paper = printed_at(width, monkeypatch)
    tables.print_runs(
        [StoredRun(name, "/runs", "initial-verification", "virtual", "2026-11-22T07:02:11.5", "PASS", True, 4)]
    )
    text = paper.getvalue()
    assert (name in text) == (width is None)
    assert "".join(line.split("│")[1].strip() for line in text.splitlines() if "│" in line) == name
    assert "2026-11-22" in text
    assert "07:02:11" in text
    assert width is None or longest_line(text) <= width
