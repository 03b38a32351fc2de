"""A sample on its laboratory supply, in the place of one source; and the log of what it draws."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import CurrentLog, CurrentLogger, Supply
from meterbench.instruments.operator.tasks import connect_supply, disconnect_supply
from meterbench.procedures.trial import NotDone, Trial

NOMINAL_V = 3.6
"""Technical description, 13.2."""
LIMIT_MA = 600.0
"""What drivers grant at most: the empty capacitor draws 360 mA at first."""


@contextlib.contextmanager
def on_supply(trial: Trial, meter: Nameplate, source: str) -> Iterator[Supply]:
    """Inside, the supply of the meter's slot stands for ``source``, at its nominal voltage, and all batteries are out;
    afterwards it has its own batteries again."""
    supply = trial.bench.supply(trial.bench.batch.index(meter) + 1)
    supply.set_output(NOMINAL_V, LIMIT_MA)
    supply.switch_on()
    trial.ask(connect_supply(meter.serial, source))
    try:
        yield supply
    finally:
        supply.set_output(NOMINAL_V, LIMIT_MA)
        supply.switch_on()
        trial.restore(disconnect_supply(meter.serial))


def log_of(supply: Supply, duration_s: float) -> CurrentLog:
    """What it feeds, for so long; ``NotDone`` for a supply that does not log."""
    if not hasattr(supply, "log"):
        raise NotDone(f"the supply {supply.identity.model} keeps no log of the current")
    return cast(CurrentLogger, supply).log(duration_s)
