"""The driver's side of the PLC's log of cycles: read through its window, each summary checked."""

from __future__ import annotations

import numpy as np

from meterbench.errors import InstrumentError
from meterbench.instruments.capabilities import CycleSummary
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig import cycle_map, plc_map
from meterbench.instruments.rig.cycle_map import SUMMARIES_A_READ, SUMMARY_WORDS, WINDOW, Records

_PLAUSIBLE = {
    "rise_s": (0.0, 3600.0),
    "on_s": (0.0, 7200.0),
    "fall_s": (0.0, 3600.0),
    "off_s": (0.0, 7200.0),
    "flow_l_h": (0.0, 12_000.0),
    "volume_l": (0.0, 24_000.0),
    "pressure_upstream_kpa": (-100.0, 2500.0),
    "pressure_downstream_kpa": (-100.0, 2500.0),
    "water_temp_c": (-5.0, 100.0),
}
"""[design] What a rig of the map's ranges can have seen at all; the flow to the end of its meters' range."""


def read_cycles(role: str, link: ModbusLink, first: int, count: int) -> list[CycleSummary]:
    """Cycles ``first`` to ``first + count - 1``; ``InstrumentError`` if one is not in the log or cannot be true."""
    if first < 1 or count < 0:
        raise InstrumentError(f"{role}: asked for {count} cycles from number {first}: they are counted from 1")
    end = first + count
    summaries: list[CycleSummary] = []
    for window in range(first, end, WINDOW):
        link.write_registers(plc_map.CYCLE_WINDOW.address, plc_map.CYCLE_WINDOW.encode({"cycle_window": window}))
        words: list[int] = []
        wanted = min(WINDOW, end - window)
        for place in range(0, wanted, SUMMARIES_A_READ):
            address = cycle_map.WINDOW_ADDRESS + place * SUMMARY_WORDS
            words += link.read_holding(address, min(SUMMARIES_A_READ, wanted - place) * SUMMARY_WORDS)
        read = cycle_map.summaries_of(words)
        _check(role, window, read)
        summaries += [CycleSummary(*each) for each in read.tolist()]
    return summaries


def _check(role: str, first: int, read: Records) -> None:
    numbers = first + np.arange(len(read))
    wrong = np.flatnonzero(read["number"] != numbers)
    if len(wrong):
        shown, number = int(read["number"][wrong[0]]), int(numbers[wrong[0]])
        why = f"its log shows number {shown} in that place" if shown else "its log does not hold it, or not any more"
        raise InstrumentError(f"{role}: asked for cycle {number}, but {why}; read the log before it runs over")
    for name, (low, high) in _PLAUSIBLE.items():
        wrong = np.flatnonzero(~((read[name] >= low) & (read[name] <= high)))
        if len(wrong):
            shown = read[name][wrong[0]]
            raise InstrumentError(
                f"{role}: the log's {name} of cycle {int(numbers[wrong[0]])} is {shown:g}, which cannot be "
                f"({low:g} to {high:g}); check the PLC's sensor of it"
            )
