"""What the tests in the climate chamber share (ISO 4064-2, 8.2 to 8.4): bring the air around the meters to a
temperature, see by a certified probe that it stays there, and put everything back afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from meterbench.bench.record import Condition
from meterbench.procedures import conditions
from meterbench.procedures.error_runs import Window
from meterbench.procedures.rules import absolute_humidity_g_m3, steepest_k_min
from meterbench.procedures.trial import NotDone, Trial

ROLES = ("chamber", "chamber_probe")
LOOK_S = 100.0
"""Between two looks at the air that goes to a temperature."""
STAY_LOOK_S = 300.0
"""The same while it stays at one, or changes as slowly as in a cycle."""
LONGEST_GAP_S = 600.0
"""What the air did for longer than this while nobody looked is not known."""
ASKED_PART_OF_GRADIENT = 0.8
"""The chamber is asked to go slower than it may: its own control swings about what it is asked for."""
ARRIVED_PART = 0.5
"""Of the tolerance: so near to its goal, the air has come; at the edge of the window it would swing out of it."""
SURE_PART = 0.8
"""Of the way that the air goes by its gradient: before, nobody need ask whether it has come."""
LATE_FACTOR, LATE_S = 1.5, 3600.0
"""A chamber that takes so much longer than its gradient, and so long beyond, does not come any more."""


@dataclass(frozen=True, slots=True)
class AirSample:
    """The air around the meters at one moment."""

    at_s: float
    temp_c: float
    """By the probe beside the meters, corrected; NaN where its certificate says nothing."""
    humidity_percent: float
    """Relative, by the chamber's own sensor; NaN for a chamber without."""


class Surroundings:
    """The chamber around the samples, and what was seen of its air."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.seen: list[AirSample] = []

    @property
    def now_s(self) -> float:
        """By the station's clock."""
        return self._trial.bench.clock.now_s()

    def look(self) -> AirSample:
        """Read probe and chamber, and remember it."""
        bench = self._trial.bench
        sample = AirSample(bench.clock.now_s(), bench.air_temp_c(), bench.chamber.status().humidity_percent)
        self.seen.append(sample)
        return sample

    def since(self, start_s: float) -> list[AirSample]:
        """What was seen from then on."""
        return [sample for sample in self.seen if sample.at_s >= start_s]

    def come_to(self, temp_c: float, tolerance_k: float, gradient_k_min: float) -> float:
        """Let the air go to a temperature, no faster than ``gradient_k_min``; when it had come, by the clock.

        ``NotDone`` if it does not come, or if the chamber is not made for it.
        """
        chamber, clock = self._trial.bench.chamber, self._trial.bench.clock
        lowest_c, highest_c = chamber.limits_c
        if not lowest_c <= temp_c <= highest_c:
            raise NotDone(f"the chamber takes {lowest_c:g} to {highest_c:g} °C, and {temp_c:g} °C is asked for")
        rate_k_min = ASKED_PART_OF_GRADIENT * gradient_k_min
        way_k = abs(temp_c - chamber.status().temp_c)
        chamber.start(temp_c, rate_k_min)
        late_s = clock.now_s() + LATE_FACTOR * 60.0 * way_k / rate_k_min + LATE_S
        self.look()
        looking = clock.every(LOOK_S, self.look)
        try:
            clock.sleep(SURE_PART * 60.0 * way_k / rate_k_min)
        finally:
            looking.cancel()
        while not abs((sample := self.seen[-1]).temp_c - temp_c) <= ARRIVED_PART * tolerance_k:
            if clock.now_s() > late_s:
                raise NotDone(
                    f"the air around the meters did not come to {temp_c:g} °C in time: the probe shows "
                    f"{sample.temp_c:.1f} °C"
                )
            clock.sleep(LOOK_S)
            self.look()
        return sample.at_s

    def stay(self, duration_s: float) -> None:
        """Wait in one piece, which costs least; the air is looked at meanwhile, and at the end."""
        self._trial.bench.clock.sleep(max(0.0, duration_s))
        self.look()

    def come_back(self) -> float:
        """To the middle of the reference window; when it had come."""
        lower_c, upper_c = self._trial.reference_ambient_c
        return self.come_to(
            (lower_c + upper_c) / 2.0, (upper_c - lower_c) / 2.0, self._trial.test.value("gradient_k_min")
        )

    # What was kept.

    def at_reference(self, start_s: float) -> list[Condition]:
        """Reference conditions since then: the window, and how much may change meanwhile."""
        edition, clause = self._trial.edition, self._trial.test.clause
        temps_c = [sample.temp_c for sample in self.since(start_s)]
        most_k = edition.of_type_evaluation("ambient_temp_variation_k")
        return [
            _air(temps_c, self._trial.reference_ambient_c, clause),
            conditions.of_samples(
                "change of the air temperature", "K", [max(temps_c) - min(temps_c)] if temps_c else [],
                (None, most_k.value), most_k.clause, "by the probe in the chamber",
            ),
            self.looked_at(start_s),
            *self.certified(),
        ]  # fmt: skip

    def at(self, temp_c: float, start_s: float, exposure_s: float) -> list[Condition]:
        """A temperature within its tolerance since then, and for how long."""
        test, tolerance_k = self._trial.test, self._trial.test.value("tolerance_k")
        seen = self.since(start_s)
        return [
            _air([sample.temp_c for sample in seen], (temp_c - tolerance_k, temp_c + tolerance_k), test.clause),
            conditions.of_samples(
                "time at this temperature", "s", [self.now_s - start_s], (exposure_s, None), test.clause, ""
            ),
            self.looked_at(start_s),
            *self.certified(),
        ]

    def gradient(self, start_s: float) -> list[Condition]:
        """How fast the air has gone since then."""
        test, seen = self._trial.test, self.since(start_s)
        over_s = test.value("gradient_over_s")
        steepest = steepest_k_min([each.at_s for each in seen], [each.temp_c for each in seen], over_s)
        return [
            conditions.of_samples(
                "change of the air temperature", "K/min", [steepest], (None, test.value("gradient_k_min")), test.clause,
                f"the fastest, mean over {over_s:g} s",
            )
        ]  # fmt: skip

    def dry(self, start_s: float) -> list[Condition]:
        """The air since then was dry. A chamber that does not measure humidity holds no more water than the
        laboratory's air brought in."""
        bench, test = self._trial.bench, self._trial.test
        hall_c = bench.watch.look().ambient_temp_c
        hall_g_m3 = absolute_humidity_g_m3(hall_c, bench.air.humidity_percent)
        measured = [each for each in self.since(start_s) if each.humidity_percent == each.humidity_percent]
        found_g_m3 = [absolute_humidity_g_m3(each.temp_c, each.humidity_percent) for each in measured]
        return [
            conditions.of_samples(
                "absolute humidity of the air", "g/m³", found_g_m3 or [hall_g_m3],
                (None, test.value("absolute_humidity_g_m3")), test.clause,
                "by the chamber's own sensor" if found_g_m3 else "of the laboratory's air: the chamber measures none",
            )
        ]  # fmt: skip

    def looked_at(self, start_s: float) -> Condition:
        """Since then somebody looked at the air all the while."""
        looks_s = [start_s, *(sample.at_s for sample in self.since(start_s)), self.now_s]
        longest_s = max(later_s - earlier_s for earlier_s, later_s in pairwise(looks_s))
        return conditions.of_samples(
            "time between two looks at the air", "s", [longest_s], (None, LONGEST_GAP_S), "", "the longest"
        )

    def certified(self) -> list[Condition]:
        """A complaint if the probe has no valid certificate."""
        return conditions.not_known(self._trial.bench.uncalibrated(("chamber_probe",)), self._trial.test.clause)


def finished(trial: Trial, condition: str) -> bool:
    """The error at the reference flow under this condition is on record already."""
    return trial.run.finished(f"{trial.test.name}/{condition}/{trial.point('reference').name}")


@contextlib.contextmanager
def in_chamber(trial: Trial) -> Iterator[Surroundings]:
    """Inside, the air is looked at all the while; in the end it is at the reference again, and the chamber off.

    Whatever breaks the test off switches the chamber off. ``NotDone`` at once without a certificate of the probe.
    """
    bench = trial.bench
    if bench.certificate("chamber_probe") is None:
        raise NotDone("the probe in the chamber has no certificate: nobody knows how warm it is around the meters")
    air = Surroundings(trial)
    looking = bench.clock.every(STAY_LOOK_S, air.look)
    try:
        try:
            yield air
        except NotDone:
            with contextlib.suppress(NotDone):
                air.come_back()
            raise
        air.come_back()
    finally:
        looking.cancel()
        bench.stop_flow()
        bench.chamber.make_safe()


def measure_at_temperatures(
    trial: Trial, also: Callable[[Surroundings, float], Sequence[Condition]] = lambda _air, _start_s: ()
) -> None:
    """Errors at the reference flow in air of 20 °C, after the exposure at each temperature of the test, and after
    recovery; water of the reference temperature runs through the meters all the while. ``also``: what else must hold
    at each temperature, from a moment on.
    """
    test, run, bench = trial.test, trial.run, trial.bench
    exposure_s, gradient_k_min = test.value("exposure_s"), test.value("gradient_k_min")
    with in_chamber(trial) as air:
        if not finished(trial, "before"):
            came_s = air.come_back()
            trial.errors("reference", "before", surroundings=lambda: air.at_reference(came_s))
        for temp_c in test.data("temps_c", "values"):
            condition = f"{temp_c:g} °C after {exposure_s / 3600.0:g} h"
            if finished(trial, condition):
                continue
            with run.step(f"{test.name}/exposure to {temp_c:g} °C"):
                left_s = air.look().at_s
                bench.start_flow(trial.point("reference").target_l_h)
                came_s = air.come_to(temp_c, test.value("tolerance_k"), gradient_k_min)
                air.stay(exposure_s)
                way = air.gradient(left_s)
                for each in way:
                    run.condition(each)

            def at_temperature(
                temp_c: float = temp_c, came_s: float = came_s, way: list[Condition] = way
            ) -> list[Condition]:
                air.look()
                return [*air.at(temp_c, came_s, exposure_s), *also(air, came_s), *way]

            trial.errors("reference", condition, surroundings=at_temperature)
        if not finished(trial, "after recovery"):
            recover(trial, air)


def recover(trial: Trial, air: Surroundings) -> None:
    """Back to the reference, the time of recovery, and the error after it."""
    run, bench, recovery_s = trial.run, trial.bench, trial.test.value("recovery_s")
    with run.step(f"{trial.test.name}/recovery"):
        left_s = air.look().at_s
        bench.start_flow(trial.point("reference").target_l_h)
        came_s = air.come_back()
        air.stay(recovery_s)
        way = air.gradient(left_s)
        for each in way:
            run.condition(each)

    def recovered() -> list[Condition]:
        air.look()
        return [*air.at_reference(came_s), *way]

    trial.errors("reference", "after recovery", surroundings=recovered)


def _air(temps_c: Sequence[float], window_c: Window, clause: str) -> Condition:
    return conditions.of_samples(
        "air temperature around the meters", "°C", temps_c, window_c, clause, "by the probe in the chamber"
    )
