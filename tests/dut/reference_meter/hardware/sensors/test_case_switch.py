"""The push button and its bounces (ADR-022)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.case_switch import CaseSwitch


def switch(seed: int = 1) -> CaseSwitch:
    return CaseSwitch(np.random.default_rng(seed))


def changes(button: CaseSwitch, start_s: float, end_s: float) -> int:
    """Level changes on a grid of 1 us."""
    count = round((end_s - start_s) / 1e-6)
    levels = [button.pressed(start_s + number * 1e-6) for number in range(count + 1)]
    return sum(one != other for one, other in pairwise(levels))


@pytest.mark.parametrize("seed", range(20))
def test_opening_and_closing_bounce(seed: int) -> None:
    """The first edge comes with the movement, others within 10 ms; then the level stands."""
    button = switch(seed)
    button.open(10.0)
    button.close(20.0)
    assert button.pressed(9.999999)
    assert not button.pressed(10.0)
    assert changes(button, 9.999, 10.0101) >= 3
    assert not button.pressed(10.0101)
    assert not button.pressed(19.999999)
    assert button.pressed(20.0)
    assert changes(button, 19.999, 20.0101) >= 3
    assert button.pressed(20.0101)
    assert button.pressed(1e9)


def test_the_level_can_be_asked_in_any_order() -> None:
    """Asking changes nothing: the past stays exact."""
    button = switch()
    button.open(1.0)
    times_s = np.linspace(0.999, 1.012, 500)
    forward = [button.pressed(float(at_s)) for at_s in times_s]
    backward = [button.pressed(float(at_s)) for at_s in times_s[::-1]]
    assert forward == backward[::-1]
    button.close(5.0)
    assert [button.pressed(float(at_s)) for at_s in times_s] == forward


def test_moving_where_it_is_already_does_nothing() -> None:
    """Closing a closed case and opening an open one make no edge."""
    button = switch()
    button.close(1.0)
    assert changes(button, 0.999, 1.011) == 0
    button.open(2.0)
    button.open(3.0)
    assert changes(button, 2.999, 3.011) == 0
    assert not button.pressed(4.0)


@pytest.mark.parametrize("seed", range(20))
def test_a_movement_during_bounces_settles(seed: int) -> None:
    """Lifted and put back within a millisecond: the past stays, an edge comes at once, the button ends pressed."""
    button, undisturbed = switch(seed), switch(seed)
    button.open(1.0)
    undisturbed.open(1.0)
    button.close(1.0005)
    assert button.pressed(1.0005) is not button.pressed(1.0004999999)
    assert button.pressed(1.0106)
    before_s = [1.0 + number * 1e-6 for number in range(500)]
    assert [button.pressed(at_s) for at_s in before_s] == [undisturbed.pressed(at_s) for at_s in before_s]


def test_the_past_cannot_be_moved() -> None:
    """Movements come in order."""
    button = switch()
    button.open(2.0)
    with pytest.raises(ValueError, match="any more"):
        button.close(1.0)


def test_the_seed_decides_the_bounces() -> None:
    """Equal seeds bounce alike, different ones do not."""
    times_s = [1.0 + number * 1e-5 for number in range(1000)]
    levels = []
    for seed in (1, 1, 2):
        button = switch(seed)
        button.open(1.0)
        levels.append([button.pressed(at_s) for at_s in times_s])
    assert levels[0] == levels[1]
    assert levels[0] != levels[2]
