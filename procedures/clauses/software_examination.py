"""Software examination (OIML D 31, WELMEC 7.2; iso4064.md 2.11): what the display says of the software."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import read_software, segment_test
from meterbench.procedures.trial import Trial


def software_examination(trial: Trial) -> None:
    """1. Identifier and checksum on the display are those of the type's documents. 2. All segments show."""
    wanted = trial.bench.certified_software
    unknown = [] if wanted else ["the station file does not say which software is certified ([type] software)"]
    for meter in trial.meters:
        shown = " ".join(trial.ask(read_software(meter.serial)).split())
        trial.run.event("info", f"meter {meter.serial} shows software {shown}", meter=meter.serial, software=shown)
        same = 1.0 if shown == wanted else 0.0
        subject = trial.subject(meter, f"shown: {shown}; certified: {wanted or 'not known'}")
        trial.run.measure("software_as_certified", same, "", subject, lower=1.0, invalid=unknown)
        trial.judge(segment_test(meter.serial), "all_segments_show", meter)
    trial.conclude()
