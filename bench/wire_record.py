"""``--record``: keeps every exchange of every link and every reading of the clock, so that a run can be replayed.

``wire.jsonl`` in the run's folder, one JSON object a line: first the station and the programme, then in order of
happening ``{"link": ..., "sent": ..., "received": ..., "took_s": ..., "fault": ...}``, bytes as latin-1 text, and
``{"clock": [...], "thread": ...}``, what a thread was told of time (the procedure's has no name). It is evidence
beside the record, not part of it.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from meterbench.errors import RecordError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.place import Tape
from meterbench.world.clock import Clock

FILE_NAME = "wire.jsonl"
_CLOCK_READINGS_A_LINE = 200


class WireRecorder:
    """Writes the file; from any thread.

    What cannot be written (a full disk) stops no exchange: the safe state must be reached without it. It ends the run
    in the next wait on the ``RecordingClock``, and nothing is written after it.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        """``head``: what is known before the first exchange. ``RecordError`` if the file is there or cannot be made."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._times: dict[str, list[Any]] = {}
        self._fault = ""
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise RecordError(f"cannot record the wires in {path}: {error.strerror}") from error
        self._write({"schema": 1, **head})
        self.require_whole()

    def require_whole(self) -> None:
        """``RecordError`` if something could not be written."""
        if self._fault:
            raise RecordError(f"cannot record the wires in {self.path}: {self._fault}")

    def tape(self, link: str) -> Tape:
        """What the link called ``link`` (role, and slot) tells its exchanges to."""

        def keep(exchange: Exchange) -> None:
            line = {
                "link": link,
                "sent": exchange.sent.decode("latin-1"),
                "received": exchange.received.decode("latin-1"),
                "took_s": round(exchange.duration_s, 6),
                "fault": exchange.fault,
            }
            with self._lock:
                self._write(line)

        return keep

    def keep_time(self, thread: str, told: float | str | bool) -> None:
        """One answer of the clock."""
        with self._lock:
            times = self._times.setdefault(thread, [])
            times.append(told)
            if len(times) >= _CLOCK_READINGS_A_LINE:
                self._write_times(thread)

    def close(self) -> None:
        """Write what is left; ``RecordError`` if something could not be written. Safe to call twice."""
        with self._lock:
            if self._file >= 0:
                for thread in list(self._times):
                    self._write_times(thread)
                os.close(self._file)
                self._file = -1
                self.require_whole()

    def _write_times(self, thread: str) -> None:
        self._write({"clock": self._times.pop(thread), "thread": thread})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._fault:
            return
        text = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        try:
            if os.write(self._file, text) < len(text):
                self._fault = os.strerror(errno.ENOSPC)
        except OSError as error:
            self._fault = str(error.strerror)


class RecordingClock(Clock):
    """A station's clock whose answers are kept: with them and the exchanges a run is the same again."""

    def __init__(self, clock: Clock, recorder: WireRecorder) -> None:
        super().__init__()
        self.speed = clock.speed
        self._clock = clock
        self._recorder = recorder
        self._thread = threading.current_thread()

    def now_s(self) -> float:
        now_s = self._clock.now_s()
        self._keep(now_s)
        return now_s

    def utc(self) -> datetime:
        now = self._clock.utc()
        self._keep(now.isoformat())
        return now

    def cancel(self, reason: str) -> None:
        super().cancel(reason)
        self._clock.cancel(reason)

    def _pass(self, duration_s: float) -> bool:
        if self._shields:
            with self._clock.shield():
                steady = self._clock._pass(duration_s)
        else:
            self._recorder.require_whole()
            steady = self._clock._pass(duration_s)
        self._keep(steady)
        return steady

    def _keep(self, told: float | str | bool) -> None:
        """Threads are known by the names that they were given: those of a pool wait for nothing on the clock."""
        thread = threading.current_thread()
        self._recorder.keep_time("" if thread is self._thread else thread.name, told)
