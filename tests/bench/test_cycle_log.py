"""The log of cycles: parts on the disk, named in the record; what of it counts after a resumption."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from meterbench.bench import traces
from meterbench.bench.cycle_log import CycleLog
from meterbench.bench.record import load
from meterbench.bench.run import Run
from meterbench.errors import RecordError
from meterbench.instruments.capabilities import CycleSummary
from meterbench.world.clock import VirtualClock
from tests.bench.test_run import OPENED


def cycles(first: int, last: int, flow_l_h: float = 2500.0) -> list[CycleSummary]:
    return [
        CycleSummary(number, 1.0, 15.0, 1.0, 15.0, flow_l_h + number, 11.0, 400.0, 200.0, 20.0)
        for number in range(first, last + 1)
    ]


def keep(run: Run, clock: VirtualClock, log: CycleLog, parts: Sequence[list[CycleSummary]]) -> None:
    for part in parts:
        log.keep(part, clock.utc(), 32.0)


def test_parts_are_named_in_the_record_and_verified(tmp_path: Path) -> None:
    """Each with its hash, as every trace; a changed one is found, also by whoever resumes."""
    clock = VirtualClock(lambda _: True)
    run = Run.open(tmp_path / "run", clock, OPENED)
    log = CycleLog(run)
    keep(run, clock, log, [cycles(1, 3), cycles(4, 5)])
    assert log.cycles(2, 4)["flow_l_h"].tolist() == [2502.0, 2503.0, 2504.0]
    record = load(tmp_path / "run")
    assert [(part["file"], part["rows"]) for part in record.traces] == [
        ("traces/cycles/0001.parquet", 3),
        ("traces/cycles/0002.parquet", 2),
    ]
    found = traces.load(tmp_path / "run", record.traces)["cycles"]
    assert found["number"].tolist() == [1, 2, 3, 4, 5]
    table = pq.read_table(tmp_path / "run" / "traces" / "cycles" / "0001.parquet")
    ended = table.column("utc").to_pylist()
    assert ended == [clock.utc() - timedelta(seconds=each) for each in (64.0, 32.0, 0.0)]
    run._journal.close()
    (tmp_path / "run" / "traces" / "cycles" / "0002.parquet").write_bytes(b"PAR1")
    with pytest.raises(RecordError, match=r"0002\.parquet is not what the bench wrote"):
        CycleLog(Run.resume(tmp_path / "run", clock, OPENED))


def test_a_resumed_run_has_its_cycles_the_later_ones_first(tmp_path: Path) -> None:
    """Cycles 3 to 4 were recorded in a step that was cut off, and once more after the resumption."""
    clock = VirtualClock(lambda _: True)
    run = Run.open(tmp_path / "run", clock, OPENED)
    keep(run, clock, CycleLog(run), [cycles(1, 2), cycles(3, 4, flow_l_h=1000.0)])
    run._journal.close()
    resumed = Run.resume(tmp_path / "run", clock, OPENED)
    log = CycleLog(resumed)
    keep(resumed, clock, log, [cycles(3, 4)])
    assert log.cycles(1, 4)["flow_l_h"].tolist() == [2501.0, 2502.0, 2503.0, 2504.0]
    with pytest.raises(RecordError, match="cycle 5 was recorded, but no trace holds it"):
        log.cycles(1, 6)
    resumed.close()
