"""What most functions are seen by: an icon, the display's screens, water that runs for a time, a volume from rest."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meterbench.bench.collection import Span, assign
from meterbench.bench.record import Condition
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import read_icons, set_mode, watch_display
from meterbench.procedures import conditions
from meterbench.procedures.collecting import RESTS_ON, cross_checks, keep_readings, not_tight
from meterbench.procedures.display_texts import icons
from meterbench.procedures.trial import NotDone, Trial

SETTLE_S = 180.0
"""The rig regulates even the smallest flow in that time; an alarm's time may begin anywhere within it."""
REST_S = 15.0
"""For the water to come to rest, before the diverter goes back and a display is read."""
DIGIT = re.compile(r"[\d-]")
"""A screen has digits, or the dashes that stand for what is not known."""
LOOKS_PART = 0.005
"""Of the time that a volume takes: so often the flow is looked at meanwhile."""


def look_for(
    trial: Trial,
    meter: Nameplate,
    icon: str,
    condition: str,
    *,
    shown: bool,
    invalid: Sequence[str] = (),
    by_s: float = math.inf,
) -> None:
    """One look at the display, done by ``by_s`` on the clock: ``icon`` must be there, or must not."""
    seen = 1.0 if icon in icons(trial.ask(read_icons(meter.serial))) else 0.0
    late_s = trial.bench.clock.now_s() - by_s
    late = [f"it was looked at {late_s:.0f} s too late"] if late_s > 0.0 else []
    trial.run.measure(
        f"{icon}_shown",
        seen,
        "",
        trial.subject(meter, condition),
        lower=1.0 if shown else None,
        upper=None if shown else 0.0,
        invalid=[*invalid, *late],
    )


def screens(trial: Trial, meter: Nameplate, watch_s: float) -> list[str]:
    """The screens that somebody saw who watched for so long; none if the display was blank."""
    text = trial.ask(watch_display(meter.serial, watch_s))
    seen = [" ".join(part.split()) for part in text.split(";") if part.strip()]
    if [each.casefold() for each in seen] == ["blank"]:
        return []
    if not seen or not all(DIGIT.search(each) for each in seen):
        raise NotDone(f"{text!r} lists no screens: expected are digits, unit and words of each, or blank")
    return seen


@contextlib.contextmanager
def in_test_mode(trial: Trial, meters: Sequence[Nameplate]) -> Iterator[None]:
    """Inside, the meters are in TEST mode, where their display shows 1 mL."""
    for meter in meters:
        trial.ask(set_mode(meter.serial, "TEST"))
    try:
        yield
    finally:
        for meter in meters:
            trial.ask(set_mode(meter.serial, "NORMAL"))


@dataclass(frozen=True, slots=True)
class Flowing:
    """Water that runs at one rate since ``start_s``."""

    trial: Trial
    line: str
    flow_l_h: float
    start_s: float

    def run_to(self, after_s: float) -> None:
        """Let it run until so long after its start."""
        clock = self.trial.bench.clock
        clock.sleep(max(0.0, self.start_s + after_s - clock.now_s()))

    def unmet(self, tolerance_percent: float) -> list[str]:
        """Why the bench cannot vouch for the flow since it has settled, by the rig's own flow meter; on record."""
        bench = self.trial.bench
        bench.watch.look()
        since_s = self.start_s + SETTLE_S
        flows = [sample.status.flow_l_h[self.line] for sample in bench.watch.since(since_s)]
        seen = Span.of(flows) if flows else Span(math.nan, math.nan, math.nan)
        lower, upper = (self.flow_l_h * (1.0 + sign * tolerance_percent / 100.0) for sign in (-1, 1))
        met = seen.lowest >= lower and seen.highest <= upper  # NaN is never met
        known = [None if math.isnan(each) else each for each in (seen.lowest, seen.highest)]
        note = f"from {SETTLE_S:g} s after its start on"
        condition = Condition("", "flow", "L/h", known[0], known[1], lower, upper, met, self.trial.test.clause, note)
        self.trial.run.condition(condition)
        return conditions.unmet([condition])


@contextlib.contextmanager
def flowing(trial: Trial, flow_l_h: float) -> Iterator[Flowing]:
    """Inside, water runs through the meters, past the tank."""
    bench = trial.bench
    bench.watch.forget()
    start_s = bench.clock.now_s()
    line = bench.start_flow(flow_l_h)
    try:
        yield Flowing(trial, line, flow_l_h, start_s)
    except NotDone:  # the programme goes on with what comes next
        bench.stop_flow()
        raise
    bench.stop_flow()
    bench.clock.sleep(REST_S)


@dataclass(frozen=True, slots=True)
class Passed:
    """A volume that passed the meters from rest to rest."""

    volume_l: dict[str, float]
    """By serial: weighed, at the meter's own temperature and pressure."""
    flow_l_h: float
    """Mean over the time in which the bench let water run."""
    invalid: list[str]
    """Why the bench cannot vouch for it."""


def pass_volume(trial: Trial, flow_l_h: float, volume_l: float) -> Passed:
    """Let about so much water run into the weighing tank, from rest to rest: until the rig's own flow meter has seen
    it, or three times its time is over. Inside a step."""
    bench = trial.bench
    bench.make_room(volume_l * 1.2 + 0.5)
    nominal_s = 3600.0 * volume_l / flow_l_h
    pause_s = max(1.0, LOOKS_PART * nominal_s)
    with bench.collecting(bench.line_for(flow_l_h)) as outcome:
        bench.clock.sleep(1.0)  # the diverter is on the tank before water runs
        line, start_s, seen_l = bench.start_flow(flow_l_h), bench.clock.now_s(), 0.0
        while seen_l < volume_l and bench.clock.now_s() - start_s < 3.0 * nominal_s:
            bench.clock.sleep(pause_s)
            seen_l += bench.watch.look().flow_l_h[line] * pause_s / 3600.0
        bench.stop_flow()
        duration_s = bench.clock.now_s() - start_s
        bench.clock.sleep(REST_S)
    collected = outcome[0]
    volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
    keep_readings(trial.run, bench, collected, volumes)
    seen = cross_checks(bench, collected, volumes, trial.leak_kpa_min) if collected.weighed_g > 0.0 else []
    for each in seen:
        trial.run.condition(each)
    invalid = [*bench.uncalibrated(RESTS_ON), *not_tight(trial.run, trial.test.name), *conditions.unmet(seen)]
    if not collected.weighed_g > 0.0:
        invalid.append(f"the balance gained {collected.weighed_g:g} g: no water was collected")
    passed_l = {volume.nameplate.serial: volume.actual_l for volume in volumes}
    return Passed(passed_l, 3600.0 * sum(passed_l.values()) / len(passed_l) / duration_s, invalid)


def within(quantity: str, value: float, lower: float, upper: float, unit: str) -> list[str]:
    """Why a figure of the bench is not what the function asks for; empty if it is."""
    met = lower <= value <= upper  # NaN is never met
    return [] if met else [f"{quantity} {value:.4g} {unit} is outside {lower:g} to {upper:g} {unit}"]
