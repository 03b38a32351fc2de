"""7.9 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.instruments.rig.plc_logic import PlcLogic
from tests.procedures.clauses.one_clause import answer, carry_out, rows_of, verdict_of

KEY = "pressure_loss"


def test_a_good_meter_keeps_its_class(tmp_path: Path) -> None:
    """At Q3 itself and below; known to 5 %, with a budget; the meter is back in its place."""
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "PASS"
    rows = rows_of(record, KEY)
    assert rows[0].condition == "6300 L/h"
    for row in rows:
        assert row.value is not None
        assert row.uncertainty_limit is not None
        assert row.upper == 40.0
        assert row.expanded_uncertainty is not None
        assert row.expanded_uncertainty <= row.uncertainty_limit
    assert {budget.quantity for budget in record.budgets} == {KEY}
    assert [act["name"] for act in record.acts] == ["take_out", "put_back"]


def test_a_body_that_takes_too_much_fails(tmp_path: Path) -> None:
    """1.3 times of 37 to 38 kPa."""
    record = carry_out(KEY, tmp_path / "run", truth={"loss_factor": 1.3})
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, KEY)[0].verdict == "FAIL"


@pytest.mark.parametrize("offset_kpa", [None, 0.5])
@pytest.mark.parametrize("truth", [{}, {"loss_factor": 1.3}], ids=["good unit", "bad unit"])
def test_a_transmitter_that_is_wrong_is_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, truth: dict[str, float], offset_kpa: float | None
) -> None:
    """A blocked tapping (None) shows nothing, another one something at rest."""
    original = PlcLogic.process_image

    def wrong(self: PlcLogic) -> dict[str, Any]:
        image = dict(original(self))
        image["dp_dut"] = 0.0 if offset_kpa is None else image["dp_dut"] + offset_kpa
        return image

    monkeypatch.setattr(PlcLogic, "process_image", wrong)
    assert verdict_of(carry_out(KEY, tmp_path / "run", truth=truth)) == "INVALID"


def test_a_meter_that_was_not_taken_out_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person said done: no loss is no good meter."""
    answer(monkeypatch, "take_out", ["done"])
    assert verdict_of(carry_out(KEY, tmp_path / "run")) == "INVALID"


def test_a_meter_that_cannot_be_taken_out_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe does not fit."""
    answer(monkeypatch, "take_out", ["not done"])
    assert verdict_of(carry_out(KEY, tmp_path / "run")) == "INVALID"
