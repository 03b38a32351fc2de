"""Simulators in a process of their own, so that what a benchmark measures is the bench and not the laboratory.

Each has its driver's usual surroundings (``bench.simulators``) in a laboratory whose world stands still.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SERVE = "common.simulators"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An instrument to be simulated."""

    role: str
    driver: str
    wire: str = ""
    """Empty: its usual one."""
    settings: dict[str, Any] = field(default_factory=dict)
    slot: int = 0


@contextmanager
def simulators(wanted: Sequence[Wanted]) -> Iterator[list[str]]:
    """The addresses of ``wanted``, all served by one other process until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", SERVE],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([asdict(each) for each in wanted]) + "\n")
        process.stdin.flush()
        addresses = json.loads(process.stdout.readline())
        try:
            yield addresses
        finally:
            process.stdin.close()


async def _serve(wanted: Sequence[Wanted]) -> None:
    import numpy as np

    from meterbench.bench.simulators import SIMULATORS, Simulated
    from meterbench.bench.station import load as load_station
    from meterbench.bench.virtual_lab import VirtualLab
    from meterbench.cli import default_station
    from meterbench.instruments.faults import FaultPlan

    lab = VirtualLab(load_station(default_station()))
    servers = [
        SIMULATORS[each.driver](
            Simulated(
                role=each.role,
                driver=each.driver,
                settings=each.settings,
                slot=each.slot,
                plant=lab.plant,
                meter=lab.meters[each.slot - 1] if each.slot else None,
                plc=lab.plc,
                chamber=lab.chamber,
                rng=np.random.default_rng(number),
                faults=FaultPlan(),
                seed=number,
            )
        )
        for number, each in enumerate(wanted)
    ]
    print(json.dumps([await server.start(each.wire) for server, each in zip(servers, wanted, strict=True)]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        await server.stop()


if __name__ == "__main__":
    asyncio.run(_serve([Wanted(**each) for each in json.loads(sys.stdin.readline())]))
