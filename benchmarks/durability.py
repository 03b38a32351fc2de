"""Cycles of 32 s (rise 1 s, on 15 s, fall 1 s, off 15 s) through the virtual rig with one reference meter and three.

    python benchmarks/durability.py [--cycles 10000] [--json]

ISO 4064-2, 7.11 asks for 100 000 of them: 37 days. The PLC's programme runs, the world is advanced hour by hour, as a
bench does that looks now and then; the log is read over Modbus TCP.
"""

from __future__ import annotations

import numpy as np
from common.figures import Figure, Report, options, show
from common.timing import duration_s

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.body import draw_body
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.variants import rating
from meterbench.instruments.capabilities import CyclePlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.world.air import Air
from meterbench.world.clock import VirtualClock
from meterbench.world.plant import Plant, PlantSpec, Slot

HOUR_S = 3600.0
SETTLE_S = 600.0
"""The valve travels and is trimmed; the first cycles are lived one by one."""
READ_CYCLES = 4000


def measure(cycles: int) -> list[Figure]:
    """Cycles a second with one meter and with three, and what reading the log costs."""
    return [*_with_meters(1, cycles), *_with_meters(3, cycles)]


def _with_meters(count: int, cycles: int) -> list[Figure]:
    designation = Designation.parse("ADR15-1-1")
    meters = [
        ReferenceMeter(Nameplate(f"1000000{number}", designation, rating(designation, 2.5, 1600)), seed=1)
        for number in range(count)
    ]
    slots = [Slot(meter, draw_body(15, np.random.default_rng(1)).loss_kpa) for meter in meters]
    plant = Plant(PlantSpec(), Air(), slots, np.random.default_rng(1))
    plc = PlcLogic(plant, np.random.default_rng(2))
    plant.controllers.append(plc)
    loop = LoopThread("durability")
    loop.start()
    sim = ModbusPlcSim(plc)
    try:
        clock = VirtualClock(lambda duration_s: loop.call(lambda: plant.advance(duration_s)))
        rig = ModbusPlcRig("rig", ModbusLink("rig", loop.run(sim.start("tcp"))), clock)
        rig.open()
        rig.request_remote()
        rig.start_cycles(CyclePlan("C", 2500.0, 1.0, 15.0, 1.0, 15.0, cycles))
        clock.sleep(SETTLE_S)
        before = rig.cycle_state().done

        def run() -> None:
            while rig.cycle_state().running:
                clock.sleep(HOUR_S)

        run_s = duration_s(run)
        state = rig.cycle_state()
        if state.done != cycles:
            raise RuntimeError(f"{state.done} cycles were done, not {cycles}")
        read = min(READ_CYCLES, state.done - state.oldest + 1)
        read_s = duration_s(lambda: rig.read_cycles(state.done - read + 1, read))
        rig.close()
    finally:
        loop.run(sim.stop())
        loop.stop()
    name = f"{count} meter{'s' * (count > 1)}"
    return [
        Figure(f"{name}: cycles", (cycles - before) / run_s, "1/s", "at least 5000" if count > 1 else ""),
        Figure(f"{name}: 100 000 cycles", 1e5 * run_s / (cycles - before), "s", "at most 20" if count > 1 else ""),
        Figure(f"{name}: reading the log of 100 000 cycles", 1e5 * read_s / read, "s", "at most 5"),
    ]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--cycles", type=int, default=10_000, help="cycles of a programme (default 10000)")
    arguments = parser.parse_args()
    show(Report("durability", measure(arguments.cycles)), arguments.json)


if __name__ == "__main__":
    main()
