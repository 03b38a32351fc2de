"""What the display is handed: nothing that it could not show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dut.reference_meter.shown import STILL


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"forward_nl": -1}, "-1"),
        ({"reverse_nl": -5}, "-5"),
        ({"volume_decimals": 0}, "allowed are 1 to 6"),
        ({"volume_decimals": 7}, "allowed are 1 to 6"),
        ({"wan_level": 5}, "WAN level 5"),
        ({"wan_level": -1}, "WAN level -1"),
        ({"q3_l_h": 0.0}, "Q3"),
        ({"q3_l_h": float("nan")}, "Q3"),
        ({"software_id": "V1.0"}, "'V'"),
        ({"checksum": "0123456789"}, "10 places"),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(wrong: dict[str, object], message: str) -> None:
    """At once, not when the turn comes to its screen."""
    with pytest.raises(ValueError, match=message):
        replace(STILL, **wrong)
