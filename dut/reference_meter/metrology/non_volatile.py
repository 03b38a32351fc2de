"""All that the firmware keeps in its memory, opened at a start as the last loss of supply has left it."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.records.columns import USUAL_COLUMNS
from meterbench.dut.reference_meter.metrology.records.event_log import EventLogs, LogType
from meterbench.dut.reference_meter.metrology.records.memory_map import (
    CONFIGURATION_BYTES,
    COUNTERS,
    MEMORY_MAP,
    STATE_BYTES,
)
from meterbench.dut.reference_meter.metrology.records.profile import Period, Profile
from meterbench.dut.reference_meter.metrology.records.recorder import Recorder
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.state import State
from meterbench.dut.reference_meter.metrology.storage.counter import COUNTER_BYTES, InvocationCounter
from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots


class NonVolatile:
    """The regions of ``MEMORY_MAP``, each with its keeper."""

    def __init__(self, memory: Memory) -> None:
        self._state = TwinSlots(memory, MEMORY_MAP.address("state"), STATE_BYTES)
        self._configuration = TwinSlots(memory, MEMORY_MAP.address("configuration"), CONFIGURATION_BYTES)
        self.profiles = {
            period: Profile(memory, MEMORY_MAP.address(region), period, USUAL_COLUMNS)
            for period, region in ((Period.HOUR, "hourly"), (Period.DAY, "daily"), (Period.MONTH, "monthly"))
        }
        self.recorder = Recorder(memory, MEMORY_MAP.address("recorder"), *self.profiles.values())
        self.logs = EventLogs(memory, MEMORY_MAP.address("logs"))
        counters = MEMORY_MAP.address("counters")
        self.counters = tuple(
            InvocationCounter(memory, counters + number * COUNTER_BYTES) for number in range(COUNTERS)
        )

    @property
    def newest_ticks(self) -> int | None:
        """Clock time of the newest record or event; None on a memory that is new."""
        row = self.recorder.last_row
        times = [event.clock_ticks for log in LogType for event in self.logs.events(log)[-1:]]
        return max([*times, *([] if row is None else [int(row["clock_ticks"][0])])], default=None)

    @property
    def used(self) -> bool:
        """True if anything was ever recorded: a memory without a state is then damaged, not new."""
        return self.newest_ticks is not None

    def state(self) -> State | None:
        """As it was saved last; None on a memory that is new."""
        kept = self._state.load()
        return None if kept is None else State.from_bytes(kept)

    def save_state(self, state: State) -> None:
        """Save it, over the older of the two copies."""
        self._state.save(state.to_bytes().ljust(STATE_BYTES, b"\0"))

    def skip_states(self, count: int) -> None:
        """So many saves are left out: later ones have overwritten them."""
        self._state.skip_saves(count)

    def settings(self) -> Settings | None:
        """As they were configured last; None if never."""
        kept = self._configuration.load()
        return None if kept is None else Settings.from_bytes(kept.rstrip(b"\0"))

    def save_settings(self, settings: Settings) -> None:
        """Save them in both copies: damage to one must not bring back the settings before."""
        self._configuration.save_both(settings.to_bytes().ljust(CONFIGURATION_BYTES, b"\0"))
