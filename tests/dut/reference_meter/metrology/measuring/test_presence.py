"""Is there water: DRY, bridging, and when nothing can be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.measuring.presence import Use, WaterPresence
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo

NONE, UNSURE, GOOD = Echo.NONE, Echo.UNSURE, Echo.GOOD
ECHOES = st.lists(st.sampled_from([NONE, UNSURE, GOOD]), max_size=120)


def judge(presence: WaterPresence, *runs: tuple[Echo, int]) -> Use:
    """Let so many shots of each echo come, in one block."""
    return presence.judge(np.concatenate([np.full(count, echo, dtype=np.int8) for echo, count in runs]))


@pytest.mark.requirement("ADR-040")
def test_eight_silent_shots_are_an_empty_pipe() -> None:
    """Seven shots without an echo are not dry, the eighth is."""
    presence = WaterPresence()
    judge(presence, (GOOD, 40), (NONE, 7))
    assert not presence.dry
    assert presence.silent_shots_to_dry == 1
    judge(presence, (NONE, 1))
    assert presence.dry
    assert presence.silent_shots_to_dry == 0


@pytest.mark.requirement("ADR-040")
@pytest.mark.parametrize("heard", [UNSURE, GOOD])
def test_a_dry_pipe_need_not_run_dry_again(heard: Echo) -> None:
    """While the pipe is dry no further silent shots are needed, not even after one that was heard; once water is back
    it takes eight again."""
    presence = WaterPresence()
    judge(presence, (NONE, 8), (heard, 1))
    assert presence.dry
    assert presence.silent_shots_to_dry == 0
    judge(presence, (GOOD, 8))
    assert not presence.dry
    assert presence.silent_shots_to_dry == 8


@pytest.mark.requirement("ADR-040")
def test_the_eight_must_come_in_a_row() -> None:
    """A shot that is heard, even badly, starts the counting afresh."""
    for heard in (UNSURE, GOOD):
        presence = WaterPresence()
        judge(presence, (NONE, 7), (heard, 1), (NONE, 7))
        assert not presence.dry


@pytest.mark.requirement("ADR-040")
@pytest.mark.parametrize("shots", [8, 1000])
def test_one_direction_alone_never_makes_dry(shots: int) -> None:
    """One transducer that fails is a fault, not an empty pipe."""
    presence = WaterPresence()
    judge(presence, (UNSURE, shots))
    assert not presence.dry
    assert not presence.silent


@pytest.mark.requirement("ADR-040")
@pytest.mark.parametrize("silent", [8, 9, 100])
def test_water_is_back_after_eight_good_shots(silent: int) -> None:
    """Seven good shots do not end DRY, the eighth does, however long the pipe was empty and however good the water was
    before; the sixteenth is measured."""
    presence = WaterPresence()
    judge(presence, (GOOD, 100), (NONE, silent), (GOOD, 7))
    assert presence.dry
    use = judge(presence, (GOOD, 20))
    assert not presence.dry
    assert use.measured.tolist() == [False] * 8 + [True] * 12


@pytest.mark.requirement("ADR-040")
def test_water_comes_back_with_bubbles() -> None:
    """Half of the last sixteen shots good end DRY; one of three good does not."""
    half, third = WaterPresence(), WaterPresence()
    judge(half, (NONE, 8), *[(UNSURE, 1), (GOOD, 1)] * 7, (UNSURE, 1))
    assert half.dry
    judge(half, (GOOD, 1))
    assert not half.dry
    judge(third, (NONE, 8), *[(UNSURE, 2), (GOOD, 1)] * 50)
    assert third.dry


@pytest.mark.requirement("ADR-040")
def test_each_silent_shot_is_known_as_such() -> None:
    """The eight that make the pipe dry were fired into a pipe that was not known to be."""
    use = judge(WaterPresence(), (GOOD, 2), (NONE, 10), (GOOD, 9))
    assert use.into_dry.tolist() == [False] * 10 + [True] * 10 + [False]


@pytest.mark.requirement("ADR-040")
@given(ECHOES)
def test_nothing_is_measured_while_dry(echoes: list[Echo]) -> None:
    """Whatever comes back: no shot after which the pipe is dry is measured or bridged, nor is one both, and what is
    measured is good."""
    presence = WaterPresence()
    for echo in echoes:
        use = judge(presence, (echo, 1))
        if not presence.measurable:
            assert not use.measured[0]
            assert not use.bridged[0]
        assert not (use.measured[0] and echo != GOOD)
        assert not (use.bridged[0] and echo == GOOD)


@given(ECHOES, st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_blocks_do_not_matter(echoes: list[Echo], cuts: list[int]) -> None:
    """However the shots are cut into blocks, each gets the same use."""
    shots = np.array(echoes, dtype=np.int8)
    whole, cut = WaterPresence(), WaterPresence()
    use = whole.judge(shots)
    pieces = [cut.judge(piece) for piece in np.split(shots, np.cumsum(cuts)[np.cumsum(cuts) < len(shots)])]
    assert use.measured.tolist() == [told for piece in pieces for told in piece.measured]
    assert use.bridged.tolist() == [told for piece in pieces for told in piece.bridged]
    assert (whole.dry, whole.disturbed, whole.silent) == (cut.dry, cut.disturbed, cut.silent)


@pytest.mark.requirement("ADR-013")
def test_a_lost_shot_is_bridged_for_two_seconds() -> None:
    """Of shots that are lost in a row after clear ones, sixteen are bridged, no more."""
    use = judge(WaterPresence(), (GOOD, 40), (UNSURE, 40))
    assert use.bridged.tolist() == [False] * 40 + [True] * 16 + [False] * 24
    assert use.measured.tolist() == [True] * 40 + [False] * 40


@pytest.mark.requirement("ADR-013")
@given(st.lists(st.sampled_from([UNSURE, GOOD]), max_size=150))
def test_never_more_than_sixteen_are_bridged_in_a_row(echoes: list[Echo]) -> None:
    """Whatever comes back, the longest run of bridged shots is sixteen."""
    use = WaterPresence().judge(np.array(echoes, dtype=np.int8))
    runs = "".join("b" if bridged else " " for bridged in use.bridged).split()
    assert max(map(len, runs), default=0) <= 16


@pytest.mark.requirement("ADR-013")
def test_half_of_four_seconds_must_be_good() -> None:
    """Every other shot good (16 of 32): all is told, and the pipe is disturbed. One of three good: from the shot on at
    which fewer than 16 of 32 are good nothing is measured, nor bridged."""
    half = WaterPresence()
    use = judge(half, *[(UNSURE, 1), (GOOD, 1)] * 64)
    assert half.measurable
    assert half.disturbed
    assert (use.measured | use.bridged).all()
    third = WaterPresence()
    echoes = np.tile(np.array([UNSURE, UNSURE, GOOD], dtype=np.int8), 40)
    use = third.judge(echoes)
    good = np.concatenate((np.ones(32), echoes == GOOD))
    few = np.array([2 * good[shot + 1 : shot + 33].sum() < 32 for shot in range(len(echoes))])
    assert few.any()
    assert not third.measurable
    assert (use.measured | use.bridged).tolist() == (~few).tolist()


@pytest.mark.requirement("ADR-013")
@pytest.mark.parametrize(("lost", "disturbed"), [(8, False), (9, True)])
def test_disturbed_from_a_quarter_on(lost: int, disturbed: bool) -> None:
    """Eight lost shots of 32 are none to speak of, nine are."""
    presence = WaterPresence()
    judge(presence, (UNSURE, lost), (GOOD, 32 - lost))
    assert presence.disturbed is disturbed


@pytest.mark.requirement("ADR-013")
def test_told_again_when_half_is_good() -> None:
    """After a long fault the sixteenth good shot of four seconds is measured, the fifteen before it are not."""
    presence = WaterPresence()
    judge(presence, (UNSURE, 100))
    use = judge(presence, (GOOD, 20))
    assert use.measured.tolist() == [False] * 15 + [True] * 5


def test_clear_means_four_seconds_of_good_shots() -> None:
    """One lost shot unsettles the meter for the 31 good ones after it; the 32nd makes it clear."""
    presence = WaterPresence()
    assert presence.clear
    judge(presence, (UNSURE, 1), (GOOD, 31))
    assert not presence.clear
    judge(presence, (GOOD, 1))
    assert presence.clear


@pytest.mark.requirement("ADR-014")
def test_a_silent_dry_pipe() -> None:
    """Silence alone is not ``silent`` before the pipe is dry; in a dry pipe one echo ends it, the next silence starts
    it again."""
    presence = WaterPresence()
    judge(presence, (NONE, 7))
    assert not presence.silent
    judge(presence, (NONE, 1))
    assert presence.silent
    judge(presence, (GOOD, 1))
    assert not presence.silent
    assert presence.dry
    judge(presence, (NONE, 1))
    assert presence.silent
