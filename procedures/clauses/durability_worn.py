"""What both durability tests (ISO 4064-2, 7.11) do while the water wears the meters: witness, read displays, resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from meterbench.bench.cross_check import master_corrected
from meterbench.bench.witnesses import MASTER_OF_LINE
from meterbench.errors import DeadlineExceeded
from meterbench.instruments.capabilities import MasterMeter
from meterbench.instruments.operator.tasks import read_display
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.durability_rules import window
from meterbench.procedures.trial import NotDone, Trial


@dataclass(frozen=True, slots=True)
class Counted:
    """What the flow meter of the line counted between two looks."""

    volume_l: float
    """Corrected by its certificate."""
    expanded_percent: float


class LineMeter:
    """The flow meter of a line, where the station has one with a certificate that is valid today."""

    def __init__(self, trial: Trial, line: str, flow_l_h: float) -> None:
        self.role = MASTER_OF_LINE[line]
        self._run = trial.run
        self._flow_l_h = flow_l_h
        self._certificate = trial.bench.certificate(self.role)
        known = trial.bench.has(self.role) and not trial.bench.uncalibrated([self.role])
        self._master = cast(MasterMeter, trial.bench.instruments[self.role][0]) if known else None
        self._last_l = self._start_l = self._master.read().volume_l if self._master is not None else 0.0

    def counted(self) -> Counted | None:
        """Since this was made; the totaliser's readings are kept. None without such a meter."""
        if self._master is None or self._certificate is None:
            return None
        before_l, self._last_l = self._last_l, self._master.read().volume_l
        self._run.reading(self.role, "totaliser_start", before_l, "L")
        self._run.reading(self.role, "totaliser_end", self._last_l, "L")
        return Counted(*master_corrected(self._last_l - self._start_l, self._flow_l_h, self._certificate))


def read_displays(trial: Trial, step: str) -> None:
    """Keep what the displays of the samples show. Nobody may be there at night: what was not read is an event, as
    nothing is judged by it."""
    run, read = trial.run, 0
    with run.step(step):
        for meter in trial.meters:
            try:
                shown_l, _ = volume_l(trial.ask(read_display(meter.serial)))
            except (NotDone, DeadlineExceeded) as cause:
                run.event("warning", f"{step}: the display of meter {meter.serial} was not read: {cause}")
            else:
                run.reading("display", "volume", shown_l, "L", meter=meter.serial)
                read += 1
        run.condition(
            window("displays that were read", "", (read, read), (None, None), trial.test.clause, "for the record")
        )


def tell_of_new_meters(trial: Trial, done: str) -> None:
    """A laboratory that lives in this process began anew with the resumption; its meters did not live through what is
    on record."""
    if trial.run.previous is not None and trial.bench.clock.speed is None:
        trial.run.event(
            "warning",
            f"{trial.test.name}: the simulated laboratory began anew: its meters are new, and were not worn by {done} "
            "that the record holds",
        )
