"""A chamber with its probe around the meters, and what may happen to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from meterbench.world.climate import Chamber
from tests.procedures.clauses.one_clause import OPERATOR

CALIBRATION = {"certificate": "V-2026-009", "due": "2027-06-30", "expanded_uncertainty": "0.05 K"}
PROBE = {"r0_ohm": 100.0, "a": 3.9083e-3, "b": -5.775e-7, "c": -4.183e-12}


def chamber(**calibration: str) -> dict[str, Any]:
    """Operator, chamber and probe; ``calibration`` changes the probe's certificate."""
    return {
        "operator": OPERATOR,
        "chamber": {"driver": "weiss_simserv", "address": "virtual"},
        "chamber_probe": {
            "driver": "fluke_1595a",
            "address": "virtual",
            "calibration": CALIBRATION | calibration,
            "probe": PROBE,
        },
    }


def figure(value: float) -> dict[str, Any]:
    """A figure of an edition."""
    return {"value": value, "confirmed": False}


def happens(monkeypatch: pytest.MonkeyPatch, what: Callable[[Chamber, float], None]) -> None:
    """``what`` is done to the chamber before each piece of its life, with the seconds since it was 50 degC warm."""
    original = Chamber.advance
    hot_s = 0.0

    def advance(self: Chamber, duration_s: float) -> bool:
        nonlocal hot_s
        if self.air_temp_c > 50.0 or hot_s > 0.0:
            hot_s += duration_s
        what(self, hot_s)
        return original(self, duration_s)

    monkeypatch.setattr(Chamber, "advance", advance)
