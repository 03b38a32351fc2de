"""Whether a station may be used: one bench at a time, and none after a trip until a person has cleared it.

Where the world outlives the process (a station on a wall clock), two files beside ``lab-dn20.toml`` keep this:
``lab-dn20.in-use.json``, locked by the bench that has the rig under control and removed at an orderly end, and
``lab-dn20.broken.json``, which stays until ``meterbench clear`` moves it into ``lab-dn20.broken.log``. A marker that
nobody holds was left behind by a bench that was killed: the station is BROKEN, too.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meterbench.bench.safe_state import SafeAction
from meterbench.bench.station import StationFile
from meterbench.errors import InterlockTripped, RecordError


class Standing:
    """Of one station, for as long as the process lives; and beyond, if it has files."""

    def __init__(self, station_path: Path | None = None, lab: Path | None = None) -> None:
        """``station_path``: the station file, if its state is to outlive the process. ``lab`` as for ``of``."""
        self._state: dict[str, Any] | None = None
        self._marker = -1
        self._unwritten = False
        """It is BROKEN, and that could not be written: the marker must stay."""
        self.paths = None if station_path is None else (station_path, lab)
        """The station file, and the served laboratory's, if its state outlives the process."""
        self._files = None if station_path is None else _Files(lab or station_path)
        self._named = f"--station {station_path}" + (f" --lab {lab}" if lab else "")

    @classmethod
    def of(cls, station: StationFile, path: Path, lab: Path | None = None) -> Standing:
        """Of the station in ``path``. In virtual time each run begins a new world: nothing is kept in files.

        ``lab``: the file of a served laboratory that takes the real one's place; it is what is BROKEN then.
        """
        return cls(path, lab) if station.clock == "wall" else cls()

    def refuse(self) -> None:
        """``InterlockTripped`` if the station is BROKEN, or in the hands of another bench."""
        with self._held():
            self._refuse_broken()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep every other bench away for the length of the block; ``InterlockTripped`` as for ``refuse``."""
        with self._held():
            self._refuse_broken()
            yield

    @contextmanager
    def being_cleared(self) -> Iterator[dict[str, Any] | None]:
        """Keep every bench away, BROKEN or not; what is known of the station's being BROKEN, if it is."""
        with self._held():
            yield self.broken()

    def broken(self) -> dict[str, Any] | None:
        """``since``, ``run``, ``cause``, ``safe_state`` of a station that is BROKEN; while others are kept away."""
        if self._state is None and self._files is not None:
            return self._files.read_broken() or self._files.read_left_behind(self._marker)
        return self._state

    def take(self, run: str, utc: str) -> None:
        """The bench is about to take control for ``run``: should it be killed from now on, the marker tells."""
        if self._files is not None:
            self._files.write_marker(self._marker, {"since": utc, "run": run, "pid": os.getpid()})

    def give_back(self) -> None:
        """An orderly end: everything is safe, or ``declare`` was told."""
        if self._files is not None and not self._unwritten:
            self._files.write_marker(self._marker, None)

    def declare(self, run: str, utc: str, cause: str, safe_state: Sequence[SafeAction] | None) -> None:
        """The station is BROKEN by ``cause``, the first one counts; ``safe_state``: what was done about it so far.

        ``RecordError`` if that cannot be written; it holds in this process nevertheless.
        """
        state = self._state or {"since": utc, "run": run, "cause": cause}
        actions = None if safe_state is None else [asdict(action) for action in safe_state]
        self._state = state | {"safe_state": actions}
        if self._files is not None:
            self._unwritten = True
            self._files.write_broken(self._state)
            self._unwritten = False

    def clear(self, clearance: Mapping[str, Any]) -> None:
        """A person has cleared it: ``clearance`` goes into the log together with what is known of the trip."""
        if self._files is not None:
            self._files.archive(dict(clearance) | {"broken": self.broken()})
            self._files.write_marker(self._marker, None)
        self._state = None

    def last_clearance(self) -> dict[str, Any] | None:
        """The last line of the log."""
        return None if self._files is None else self._files.last_clearance()

    def _refuse_broken(self) -> None:
        state = self.broken()
        if state is None:
            return
        clear = f"`meterbench clear {self._named} --by NAME --reason TEXT`"
        raise InterlockTripped(
            f"the station is BROKEN since {state['since']} (run {state['run']}): {state['cause']}; "
            f"{_how_safe(state['safe_state'])}; remove the cause, then {clear if self._files else 'start again'}"
        )

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self._files is None or self._marker >= 0:
            yield
            return
        self._marker = self._files.lock_marker()
        try:
            yield
        finally:
            marker, self._marker = self._marker, -1
            self._files.unlock_marker(marker)


def _how_safe(actions: Sequence[Mapping[str, Any]] | None) -> str:
    if actions is None:
        return "nothing is known of a safe state: chamber and supplies may be on"
    complaints = [str(action["complaint"]) for action in actions if not action["confirmed"]]
    return "safe state not reached: " + "; ".join(complaints) if complaints else "the safe state was reached"


class _Files:
    """The files beside one station file."""

    def __init__(self, station_path: Path) -> None:
        real = station_path.resolve()  # two names of one file are one station
        self._marker_path = real.with_name(f"{real.stem}.in-use.json")
        self._broken_path = real.with_name(f"{real.stem}.broken.json")
        self._log_path = real.with_name(f"{real.stem}.broken.log")

    def lock_marker(self) -> int:
        """The marker's descriptor, locked; ``InterlockTripped`` if another bench holds it."""
        while True:
            try:
                marker = os.open(self._marker_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise RecordError(
                    f"cannot keep the station's state in {self._marker_path}: {error.strerror}; without it "
                    "nobody would know of a trip: put the station file into a folder that can be written"
                ) from error
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _parsed(_content(marker)) or {}
                os.close(marker)
                raise InterlockTripped(
                    f"the station is in use by run {holder.get('run', '(opening)')} since "
                    f"{holder.get('since', 'just now')}, process {holder.get('pid', 'unknown')}: wait for its end or "
                    "stop it"
                ) from None
            except OSError:
                return marker  # a file system without locks: whoever finds a marker takes it as left behind
            if os.fstat(marker).st_nlink:
                return marker
            os.close(marker)  # its holder removed it between our opening and our lock

    def unlock_marker(self, marker: int) -> None:
        """Let others in; an empty marker goes."""
        if not _content(marker):
            with suppress(OSError):
                self._marker_path.unlink()
        os.close(marker)

    def read_left_behind(self, marker: int) -> dict[str, Any] | None:
        """What a bench that did not end in order left in the marker, as a reason for being BROKEN."""
        content = _content(marker)
        if not content:
            return None
        left = _parsed(content) or {}
        return {
            "since": left.get("since", "an unknown time"),
            "run": left.get("run", "unknown"),
            "cause": f"the bench (process {left.get('pid', 'unknown')}) was killed while it had the rig under control",
            "safe_state": None,
        }

    def write_marker(self, marker: int, content: Mapping[str, Any] | None) -> None:
        """Durable when it returns; None empties it."""
        try:
            os.ftruncate(marker, 0)
            if content is not None:
                os.pwrite(marker, _encoded(content), 0)
            os.fsync(marker)
        except OSError as error:
            raise RecordError(f"cannot write {self._marker_path}: {error.strerror}") from error

    def read_broken(self) -> dict[str, Any] | None:
        """The state as it was written; one that cannot be read is BROKEN nevertheless."""
        try:
            content = self._broken_path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            content = b""
            why = str(error.strerror)
        else:
            why = "it is not what a bench writes"
        state = _parsed(content)
        if state is not None and {"since", "run", "cause", "safe_state"} <= state.keys():
            return state
        unreadable = f"{self._broken_path} cannot be read: {why}"
        return {"since": "an unknown time", "run": "unknown", "cause": unreadable, "safe_state": None}

    def write_broken(self, state: Mapping[str, Any]) -> None:
        """As a whole or not at all, and durable when it returns."""
        fresh = self._broken_path.with_name(f".{self._broken_path.name}.new")
        try:
            with fresh.open("wb") as file:
                file.write(_encoded(state))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._broken_path)
            self._sync_folder()
        except OSError as error:
            raise RecordError(f"cannot write {self._broken_path}: {error.strerror}") from error

    def archive(self, line: Mapping[str, Any]) -> None:
        """Append ``line`` to the log; only then the state goes."""
        try:
            with self._log_path.open("ab") as log:
                log.write(_encoded(line))
                log.flush()
                os.fsync(log.fileno())
            self._broken_path.unlink(missing_ok=True)
            self._sync_folder()
        except OSError as error:
            raise RecordError(f"cannot write {self._log_path}: {error.strerror}") from error

    def last_clearance(self) -> dict[str, Any] | None:
        """None if there was none."""
        try:
            lines = self._log_path.read_bytes().splitlines()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RecordError(f"cannot read {self._log_path}: {error.strerror}") from error
        return _parsed(lines[-1]) if lines else None

    def _sync_folder(self) -> None:
        folder = os.open(self._broken_path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _encoded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, 1 << 20, 0)


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(content)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
