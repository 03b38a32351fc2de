"""Figures show limits, points and verdicts, the same each time, and cost nothing until they are drawn."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from meterbench.reports.figures import ErrorPoint, Zone, budget_bars, error_curve, error_dots, error_scale

MARKS_L_H = {"Q1": 1.5625, "Q2": 2.5, "Q3": 2500.0, "Q4": 3125.0}
ZONES = [Zone(1.5625, 2.5, -5.0, 5.0), Zone(2.5, 3125.0, -2.0, 2.0)]
POINTS = [
    ErrorPoint(1.64, 1.4, 0.42, "PASS"),
    ErrorPoint(1.64, 1.1, 0.42, "PASS"),
    ErrorPoint(2.62, 2.4, 0.12, "FAIL"),
    ErrorPoint(2410.0, 0.2, None, "INVALID"),
]


def words(svg: str) -> list[str]:
    """The texts of a figure."""
    root = ET.fromstring(svg)
    return [(text.text or "").strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]


def markers(svg: str) -> dict[str, int]:
    """Fill colour -> how many markers of it were drawn."""
    found = re.findall(r'<use [^>]*style="fill: (#\w{6}); stroke: #ffffff', svg)
    return {colour: found.count(colour) for colour in found}


def test_error_curve_marks_flow_rates_and_units() -> None:
    """Q1 to Q4 are named, both axes carry their unit."""
    shown = words(error_curve("10000001", POINTS, ZONES, MARKS_L_H, 6.0))
    assert {*MARKS_L_H, "error of indication E / %", "flow rate Q / (L/h)", "1", "1000"} <= set(shown)


def test_each_repeat_and_each_verdict_is_seen() -> None:
    """One marker an error; its colour (and shape) is that of the verdict."""
    svg = error_curve("10000001", POINTS, ZONES, MARKS_L_H, 6.0)
    assert markers(svg) == {"#00549f": 2, "#b33c00": 1, "#7a3e8e": 1}
    assert len(re.findall(r'<path id="\S+" d="[^"]+" style="stroke: #ffffff', svg)) == 3


def test_an_error_beyond_the_scale_keeps_its_value() -> None:
    """It is drawn at the edge, so that the limits of the others stay readable."""
    far = [ErrorPoint(2410.0, -23.4, 0.1, "FAIL")]
    assert error_scale(far, [-2.0, 2.0]) == pytest.approx(3.2)
    assert "-23.4 %" in words(error_curve("10000001", far, ZONES[1:], MARKS_L_H, 3.2))


def test_scale_without_limits_or_points_is_usable() -> None:
    """Nothing to show is no reason to fail."""
    assert error_scale([], []) == 1.0
    assert error_scale([ErrorPoint(1.0, 0.0, None, "PASS")], [-2.0, 2.0]) == pytest.approx(2.6)
    assert "Q4" in words(error_curve("10000001", [], [], MARKS_L_H, 1.0))


def test_error_dots_set_meters_side_by_side() -> None:
    """One category a serial number, taken literally even where it looks like a formula."""
    points = [ErrorPoint("$1$", 0.3, 0.1, "PASS"), ErrorPoint("B<2>", -0.3, 0.1, "PASS")]
    assert {"$1$", "B<2>", "meter (serial number)"} <= set(words(error_dots(points, -2.0, 2.0)))
    assert markers(error_dots(points, None, None)) == {"#00549f": 2}


def test_budget_bars_name_and_number_each_contribution() -> None:
    """In the order of the budget, the combined uncertainty last."""
    shown = words(budget_bars("actual volume", [("balance", 0.0123), ("water density", 0.05), ("air", 4e-7)], 0.0515))
    assert [word for word in shown if not word.endswith("%")] == ["balance", "water density", "air", "combined"]
    assert {"0.0123 %", "0.0500 %", "< 0.0001 %", "0.0515 %"} <= set(shown)


def test_a_figure_is_described_dateless_and_the_same_each_time() -> None:
    """The same data gives the same bytes; a screen reader is told what is shown."""
    svg = error_curve('A"<1>', POINTS, ZONES, MARKS_L_H, 6.0)
    assert svg == error_curve('A"<1>', POINTS, ZONES, MARKS_L_H, 6.0)
    assert ET.fromstring(svg).attrib["aria-label"].startswith('Error curve of meter A"<1>')
    assert "<metadata" not in svg
    assert "<style" not in svg


def test_the_drawing_library_is_imported_only_to_draw() -> None:
    """A command that writes no report does not wait for it."""
    code = "import sys, meterbench.reports.html; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
