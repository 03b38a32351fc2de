"""Nameplate (technical description, 4, 8 and 9): the serial number as a barcode, and the markings."""

from __future__ import annotations

from typing import cast

from meterbench.errors import DeadlineExceeded
from meterbench.instruments.capabilities import BarcodeReader
from meterbench.instruments.operator.tasks import present_nameplate, put_scanner_away, visual_check
from meterbench.procedures.trial import NotDone, Trial


def nameplate(trial: Trial) -> None:
    """1. The barcode of the meter in each slot says the serial number that the station file has there. 2. Somebody
    looks at the markings, one question after the other.
    """
    scanner = cast(BarcodeReader, trial.bench.instruments["scanner"][0])
    for meter in trial.meters:
        step = f"{trial.test.name}/{meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step):
            trial.ask(present_nameplate(trial.bench.batch.index(meter) + 1))
            try:
                code = scanner.read_code(trial.test.value("scan_s"))
            except DeadlineExceeded as cause:
                raise NotDone(str(cause)) from cause
            finally:
                trial.ask(put_scanner_away())
            same = 1.0 if code == meter.serial else 0.0
            trial.run.measure("barcode_is_serial", same, "", trial.subject(meter, f"barcode: {code}"), lower=1.0)
            facts = {
                "serial": meter.serial,
                "designation": str(meter.designation),
                "q3": f"{meter.rating.q3_l_h / 1000.0:g}",
                "ratio": f"{meter.rating.q3_l_h / meter.rating.q1_l_h:.0f}",
            }
            for quantity, question in trial.test.data("questions", "of").items():
                trial.judge(visual_check(question.format(**facts)), quantity, meter)
    trial.conclude()
