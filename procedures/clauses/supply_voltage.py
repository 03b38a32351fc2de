"""ISO 4064-2, 8.5.3: variation of the battery's voltage, for every source, and the switch-over between them (OIML D 11,
table 36; ADR-050 to ADR-055)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from meterbench.bench.record import Condition
from meterbench.dut.meter import Nameplate
from meterbench.errors import ConfigError
from meterbench.instruments.capabilities import Supply
from meterbench.instruments.operator.tasks import (
    connect_supply,
    disconnect_supply,
    insert_source,
    read_icons,
    remove_source,
)
from meterbench.procedures import conditions
from meterbench.procedures.display_texts import BLANK, icons, low_battery
from meterbench.procedures.standing_runs import judge_unchanged, measure_display_error, total_l
from meterbench.procedures.trial import NotDone, Trial

LOOK_S = 1800.0
"""Between two looks at a meter that has to find out how low its source is."""
FITTED_FOR_THE_TEST = "EXTERNAL"
"""The one source that a meter is delivered without."""


def supply_voltage(trial: Trial) -> None:
    """1. In the place of every source, a supply with the battery's internal resistance: the error at the reference flow
    at the lowest, the nominal and the highest voltage is within the MPE; the meter's storage has come to the voltage
    when it takes its current from the supply. On the backup alone this is MEASUREMENT mode. 2. No low battery at the
    highest voltage; at 0.9 times the lowest one there is, or the meter is off. 3. When the voltage is back, the total
    is what it was. 4. With its own batteries, for every switch-over: the source is taken out while water flows, and the
    display goes on with it: the error is within the MPE, and the total is that of the test pulses.
    """
    trial.check_tightness("before")
    for meter in trial.meters:
        supply = _supply(trial, meter)
        for source in trial.test.data("sources", "names"):
            if not trial.run.finished(_below_step(trial, meter, source)):
                _at_voltages(trial, meter, supply, source)
        trial.ask(disconnect_supply(meter.serial))  # a station may hand its meter over on the leads
        for source, successor in trial.test.data("switch_overs", "pairs"):
            _switch_over(trial, meter, source, successor)
    trial.check_tightness("after")
    trial.conclude()


def _supply(trial: Trial, meter: Nameplate) -> Supply:
    try:
        return trial.bench.supply(trial.bench.batch.index(meter) + 1)
    except ConfigError as cause:
        raise NotDone(str(cause)) from cause


def _below_step(trial: Trial, meter: Nameplate, source: str) -> str:
    return f"{trial.test.name}/{source} below its lowest voltage/{meter.serial}"


def _set(trial: Trial, supply: Supply, voltage_v: float) -> None:
    value = trial.test.value
    supply.set_output(voltage_v, value("current_limit_ma"), value("internal_ohm"))


@contextmanager
def _connected(trial: Trial, meter: Nameplate, supply: Supply, source: str, voltage_v: float) -> Iterator[None]:
    """Inside, the supply stands in the place of the source; afterwards the meter has its own batteries."""
    nominal_v = trial.test.value("nominal_v")
    _set(trial, supply, voltage_v)
    supply.switch_on()
    try:
        trial.ask(connect_supply(meter.serial, source))
    except NotDone:
        _set(trial, supply, nominal_v)  # its leads may feed a meter from before
        raise
    try:
        yield
    finally:
        trial.restore(disconnect_supply(meter.serial))
        supply.switch_off()
        _set(trial, supply, nominal_v)


def _at_voltages(trial: Trial, meter: Nameplate, supply: Supply, source: str) -> None:
    test = trial.test
    above_v = test.value("tolerance_v") / 2.0
    # The lowest first: a storage that is fuller than its source is only emptied by the meter itself.
    lowest_v, nominal_v, highest_v = (test.value(f"{name}_v") for name in ("lowest", "nominal", "highest"))
    with _connected(trial, meter, supply, source, lowest_v + above_v):
        for voltage_v in (lowest_v, nominal_v, highest_v):
            condition = f"{source} {voltage_v:g} V, {meter.serial}"
            if trial.run.finished(f"{test.name}/{condition}/{trial.point('reference').name}"):
                continue
            _set(trial, supply, voltage_v + above_v)
            _wait_until_it_feeds(trial, supply)
            trial.errors(
                "reference", condition, meters=[meter], surroundings=_seen_by_the_supply(trial, supply, voltage_v)
            )
        _below(trial, meter, supply, source)


def _wait_until_it_feeds(trial: Trial, supply: Supply) -> None:
    """Until the meter takes its current from the supply, or a deadline: then the conditions will tell."""
    clock, test = trial.bench.clock, trial.test
    clock.sleep(test.value("settling_s"))
    late_s = clock.now_s() + test.value("feeds_deadline_s")
    while supply.measure().current_ma < test.value("feeds_ma") and clock.now_s() < late_s:
        clock.sleep(LOOK_S)


def _seen_by_the_supply(trial: Trial, supply: Supply, voltage_v: float) -> Callable[[], Sequence[Condition]]:
    test = trial.test
    before = supply.measure()

    def seen() -> list[Condition]:
        readings = (before, supply.measure())
        return [
            conditions.of_samples(
                "voltage of the supply", "V", [each.voltage_v for each in readings],
                (voltage_v, voltage_v + test.value("tolerance_v")), test.clause, "before and after the volume",
            ),
            conditions.of_samples(
                "current that the meter takes from the supply", "mA", [each.current_ma for each in readings],
                (test.value("feeds_ma"), None), test.clause, "less: it lives from its own storage",
            ),
            *conditions.not_known(trial.bench.uncalibrated(("supply",)), test.clause),
        ]  # fmt: skip

    return seen


def _below(trial: Trial, meter: Nameplate, supply: Supply, source: str) -> None:
    """Detected and acted upon, and nothing lost."""
    run, clock, test = trial.run, trial.bench.clock, trial.test
    low_v = test.value("below_part") * test.value("lowest_v")
    condition = f"{source} {low_v:g} V"
    with run.step(_below_step(trial, meter, source)):
        warned = _warned(trial, meter)
        run.measure(
            "low_battery_shown", float(warned), "",
            trial.subject(meter, f"{source} {test.value('highest_v'):g} V"), upper=0.0,
        )  # fmt: skip
        before = total_l(trial, meter)
        _set(trial, supply, low_v)
        late_s = clock.now_s() + test.value("detected_s")
        detected = False
        while not detected and clock.now_s() < late_s:
            clock.sleep(LOOK_S)
            detected = _warned(trial, meter)
        seen = conditions.of_samples(
            "voltage of the supply", "V", [supply.measure().voltage_v],
            (None, low_v + test.value("tolerance_v")), test.clause, condition,
        )  # fmt: skip
        run.condition(seen)
        invalid = [*trial.bench.uncalibrated(("supply",)), *conditions.unmet([seen])]
        run.measure(
            "low_voltage_detected", float(detected), "", trial.subject(meter, condition), lower=1.0, invalid=invalid
        )
        _set(trial, supply, test.value("nominal_v"))
        clock.sleep(test.value("settling_s"))
        judge_unchanged(trial, meter, f"{source}, the voltage is back", before)


def _warned(trial: Trial, meter: Nameplate) -> bool:
    """The display warns of a low battery, or shows nothing any more."""
    shown = icons(trial.ask(read_icons(meter.serial)))
    return bool(shown & BLANK) or low_battery(shown)


def _switch_over(trial: Trial, meter: Nameplate, source: str, successor: str) -> None:
    """The source is taken out while water flows; it is back afterwards, if the meter had it."""
    serial = meter.serial
    condition = f"{source} to {successor}, {serial}"
    if trial.run.finished(f"{trial.test.name}/{condition}/{trial.point('reference').name}"):
        return
    if source == FITTED_FOR_THE_TEST:
        trial.ask(insert_source(serial, source))
    out = False

    def take_out() -> None:
        nonlocal out
        trial.ask(remove_source(serial, source))
        out = True

    try:
        measure_display_error(trial, meter, "reference", condition, take_out)
    finally:
        if out and source != FITTED_FOR_THE_TEST:
            trial.restore(insert_source(serial, source))
        elif not out and source == FITTED_FOR_THE_TEST:
            trial.restore(remove_source(serial, source))
