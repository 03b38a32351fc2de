"""The store: a view of the journals that can be made again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.journal import Journal
from meterbench.bench.record import RunRecord, load
from meterbench.bench.store import Store, store_url
from meterbench.errors import ConfigError, RecordError

ROW: dict[str, Any] = {
    "procedure": "initial-verification", "clause": "10", "requirement": "ADR-011", "meter": "1", "flow_point": "Q3",
    "condition": "",
    "repeat": 1, "attempt": 1, "quantity": "error_of_indication", "unit": "%", "expanded_uncertainty": None,
    "lower": -2.0, "upper": 2.0, "verdict": "INVALID", "reason": "no value was obtained", "step": "Q3",
    "uncertainty_limit": 0.667,
}  # fmt: skip


def record(folder: Path, values: list[float | None], utc: str = "2026-03-04T09:00:00.000+00:00") -> RunRecord:
    journal = Journal.create(folder)
    opening = {"programme": "initial-verification", "station": {"name": "virtual"}, "batch": [{"serial": "1"}]}
    journal.append("run_opened", 0.0, utc, opening)
    for value in values:
        journal.append("measurement", 1.0, utc, ROW | {"value": value})
    journal.close()
    return load(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(store_url(tmp_path, {}))


def test_rows_come_back_to_the_last_bit(store: Store, tmp_path: Path) -> None:
    """The results of a run are its journal's rows in their order: full precision, and None where nothing was."""
    run = record(tmp_path / "one", [0.1 + 0.2, None, -1e-17])
    store.put(run)
    assert store.results("one") == [asdict(row) for row in run.rows]
    assert store.results("none such") == []
    store.close()


def test_putting_a_run_again_replaces_it(store: Store, tmp_path: Path) -> None:
    """A run that went on since is taken in anew; others are left alone; the newest comes first."""
    store.put(record(tmp_path / "old", [1.0, 2.0], "2026-01-01T00:00:00.000+00:00"))
    run = record(tmp_path / "new", [1.0, 2.0])
    for _ in range(2):
        store.put(run)
    assert [(each.name, each.verdict, each.closed, each.meters) for each in store.runs()] == [
        ("new", "ABORTED", False, 1),
        ("old", "ABORTED", False, 1),
    ]
    assert [row["value"] for row in store.results("old")] == [1.0, 2.0]
    assert len(store.results("new")) == 2
    store.close()


def test_a_run_of_the_same_name_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    """Another run of the same name (two benches, one store) is refused: the first one's results don't vanish."""
    store.put(record(tmp_path / "a" / "run", [1.0], "2026-01-01T00:00:00.000+00:00"))
    with pytest.raises(RecordError, match="another run run, of 2026-01-01T00:00:00"):
        store.put(record(tmp_path / "b" / "run", [2.0]))
    assert [row["value"] for row in store.results("run")] == [1.0]
    store.close()


def test_the_store_in_force(tmp_path: Path) -> None:
    """``METERBENCH_STORE`` names the database; empty or missing it is a file beside the runs."""
    assert store_url(tmp_path, {"METERBENCH_STORE": "postgresql://db/runs"}) == "postgresql://db/runs"
    assert store_url(tmp_path, {"METERBENCH_STORE": ""}) == f"sqlite:///{tmp_path}/meterbench.sqlite"


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/x.sqlite", "oracle9://bench:secret@db/runs"])
def test_a_store_that_does_not_open_is_named_without_its_password(url: str) -> None:
    """One sentence, and never the password."""
    with pytest.raises(ConfigError, match="cannot open the store") as refused:
        Store(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
