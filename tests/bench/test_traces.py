"""Traces: whole parts on the disk, named in the record, read by a tool that we did not write."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from meterbench.bench import traces
from meterbench.bench.traces import Traces
from meterbench.errors import RecordError
from meterbench.world.clock import VirtualClock

START = datetime(2026, 11, 22, 7, tzinfo=UTC)


class Kept:
    """Traces of a run of a few looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: list[dict[str, Any]] = []
        self.clock = VirtualClock(lambda _: True, START)
        self.traces = Traces(folder, self.clock, self._on_part)

    def _on_part(self, file: str, rows: int, sha256: str) -> None:
        self.parts.append({"file": file, "rows": rows, "sha256": sha256})

    def look(self, source: str, times: int, **values: float | str) -> None:
        for _ in range(times):
            self.clock.sleep(0.5)
            self.traces.keep(source, values)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_source_is_read_back_as_one_series(kept: Kept) -> None:
    """Over several parts, with values that came later and words beside numbers."""
    kept.look("rig", 3, flow_l_h=2.5, state="RUNNING")
    kept.traces.flush()
    kept.look("rig", 2, flow_l_h=math.nan, state="SAFE", extra_c=20.0)
    kept.look("chamber", 1, air_temp_c=55.0)
    kept.traces.flush()
    assert [(part["file"], part["rows"]) for part in kept.parts] == [
        ("traces/rig/0001.parquet", 3),
        ("traces/rig/0002.parquet", 2),
        ("traces/chamber/0001.parquet", 1),
    ]
    found = traces.load(kept.folder, kept.parts)
    assert found["rig"]["flow_l_h"][:3].tolist() == [2.5, 2.5, 2.5]
    assert np.isnan(found["rig"]["flow_l_h"][3:]).all()
    assert found["rig"]["state"].tolist() == ["RUNNING"] * 3 + ["SAFE"] * 2
    assert np.isnan(found["rig"]["extra_c"][:3].astype(float)).all()
    assert found["rig"]["t_s"].tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert found["rig"]["utc"][0] == np.datetime64("2026-11-22T07:00:00.500000")


def test_a_tool_reads_all_parts_of_a_source_at_once(kept: Kept) -> None:
    """The folder is what Parquet readers call a data set."""
    for _ in range(3):
        kept.look("rig", 2, flow_l_h=1.0)
        kept.traces.flush()
    table = pq.read_table(kept.folder / "traces" / "rig")
    assert table.num_rows == 6
    assert str(table.schema.field("utc").type) == "timestamp[us, tz=UTC]"


def test_a_long_step_is_written_in_pieces(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is killed loses no more than the last piece."""
    monkeypatch.setattr(traces, "ROWS_A_PART", 10)
    kept.look("rig", 25, flow_l_h=1.0)
    assert [part["rows"] for part in kept.parts] == [10, 10]


def test_a_resumed_run_adds_parts(kept: Kept) -> None:
    """What is there stays."""
    kept.look("rig", 1, flow_l_h=1.0)
    kept.traces.flush()
    again = Traces(kept.folder, kept.clock, kept._on_part)
    again.keep("rig", {"flow_l_h": 2.0})
    again.flush()
    assert traces.load(kept.folder, kept.parts)["rig"]["flow_l_h"].tolist() == [1.0, 2.0]


def test_a_changed_or_missing_part_is_named(kept: Kept) -> None:
    """One flipped bit, and a file that is gone."""
    kept.look("rig", 1, flow_l_h=1.0)
    kept.traces.flush()
    path = kept.folder / "traces/rig/0001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"rig/0001\.parquet is not what the bench wrote"):
        traces.verify(kept.folder, kept.parts)
    path.unlink()
    with pytest.raises(RecordError, match=r"rig/0001\.parquet cannot be read"):
        traces.load(kept.folder, kept.parts)


def test_a_disk_that_takes_no_trace_is_an_error(kept: Kept) -> None:
    """In one sentence, with the place."""
    (kept.folder / "traces").write_text("in the way")
    kept.look("rig", 1, flow_l_h=1.0)
    with pytest.raises(RecordError, match="cannot write the trace of rig"):
        kept.traces.flush()
