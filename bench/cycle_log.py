"""Every cycle of a discontinuous flow as the rig's PLC logged it: ``traces/cycles/0001.parquet``, part by part.

A part is on the disk, with its hash in the record, before the step that it belongs to ends. Of a cycle that is in
two parts (its step was cut off, and carried out again) the later one counts. Beside the fields of ``CycleSummary`` a
row has ``utc``: about when the cycle ended, or, if it was read out after a resumption, when that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterbench.bench import traces
from meterbench.bench.run import Run
from meterbench.errors import RecordError
from meterbench.instruments.capabilities import CycleSummary

SOURCE = "cycles"
NAMES = tuple(field.name for field in fields(CycleSummary))
Cycles = dict[str, NDArray[np.float64]]
"""By the names of ``CycleSummary``, arrays of the same length, in the order of the numbers."""


class CycleLog:
    """The cycles that a run has on record."""

    def __init__(self, run: Run) -> None:
        """``RecordError`` if a part of before a resumption is missing or was changed."""
        self._run = run
        self._parts: list[NDArray[np.float64]] = []
        if run.previous is not None:
            kept = [part for part in run.previous.traces if Path(part["file"]).parent.name == SOURCE]
            traces.verify(run.folder, kept)
            self._parts = [_read(run.folder / part["file"]) for part in kept]

    def keep(self, cycles: Sequence[CycleSummary], last_ended: datetime, period_s: float) -> None:
        """Put cycles, at least one, on the disk and in the record; ``RecordError`` if they cannot be written."""
        import pyarrow as pa

        rows = np.array([[getattr(cycle, name) for name in NAMES] for cycle in cycles])
        before_s = period_s * (cycles[-1].number - rows[:, 0])
        columns: dict[str, Any] = {
            "utc": pa.array([last_ended - timedelta(seconds=each) for each in before_s], pa.timestamp("us", "UTC")),
            **{name: pa.array(rows[:, index]) for index, name in enumerate(NAMES)},
        }
        columns["number"] = pa.array(rows[:, 0].astype(np.int64))
        self._run.trace(*traces.write_part(self._run.folder, SOURCE, columns))
        self._parts.append(rows)

    def cycles(self, first: int, last: int) -> Cycles:
        """Cycles ``first`` to ``last``; ``RecordError`` if one of them is not on record."""
        found = np.full((max(0, last - first + 1), len(NAMES)), np.nan)
        for part in self._parts:
            inside = part[(part[:, 0] >= first) & (part[:, 0] <= last)]
            found[inside[:, 0].astype(np.int64) - first] = inside
        missing = first + np.flatnonzero(np.isnan(found[:, 0]))
        if len(missing):
            raise RecordError(
                f"{self._run.folder}: its steps say that cycle {missing[0]} was recorded, but no trace holds it; "
                "the record does not hold together"
            )
        return {name: found[:, index] for index, name in enumerate(NAMES)}


def _read(path: Path) -> NDArray[np.float64]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return np.stack([table.column(name).to_numpy().astype(np.float64) for name in NAMES], axis=1)
