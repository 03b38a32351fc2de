"""A simulated SCPI instrument without its physics: commands by pattern, settings, status, overlapped operation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Channels, Integer, Parameter
from meterbench.instruments.scpi.status import OPC, Status
from meterbench.instruments.scpi.syntax import HeaderPattern, MessageUnit, parse_message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler is given: the header's numeric suffixes and the parameters as sent."""

    suffixes: tuple[int, ...]
    parameters: tuple[str, ...]


Handler = Callable[[Call], str | None]
"""Carries out a command (None) or answers a query (text); raises ``ScpiError`` to refuse."""


@dataclass(frozen=True, slots=True)
class _Command:
    pattern: HeaderPattern
    is_query: bool
    run: Handler
    least: int
    most: int
    waits: bool


class Setting(Generic[T]):
    """A value that is set and queried under one header, one for each numeric suffix, and reset by ``*RST``."""

    def __init__(self, parameter: Parameter[T], default: T) -> None:
        self._parameter = parameter
        self._default = default
        self._values: dict[tuple[int, ...], T] = {}

    def get(self, *suffixes: int) -> T:
        """The value for these suffixes."""
        return self._values.get(suffixes, self._default)

    def put(self, setting: T, *suffixes: int) -> None:
        """Set it from inside, as ``CONFigure`` does."""
        self._values[suffixes] = setting

    def reset(self) -> None:
        """Back to the default."""
        self._values.clear()

    def on_set(self, call: Call) -> None:
        """The handler of the command."""
        self._values[call.suffixes] = self._parameter.parse(call.parameters[0])

    def on_query(self, call: Call) -> str:
        """The handler of the query."""
        return self._parameter.show(self.get(*call.suffixes))


class ChannelSetting(Generic[T]):
    """A value of each channel, set and queried with a channel list behind (``VOLT 3.6,(@1,2)``), reset by ``*RST``."""

    def __init__(self, parameters: Mapping[int, Parameter[T]], default: T) -> None:
        """``parameters``: by channel; without a list the lowest one is meant."""
        self._parameters = parameters
        self._default = default
        self._values: dict[int, T] = {}
        self._list = Channels(min(parameters), max(parameters))

    def get(self, channel: int) -> T:
        """The value of this channel."""
        return self._values.get(channel, self._default)

    def put(self, channel: int, setting: T) -> None:
        """Set it from inside."""
        self._values[channel] = setting

    def reset(self) -> None:
        """Back to the default."""
        self._values.clear()

    def channels(self, texts: tuple[str, ...]) -> tuple[int, ...]:
        """Those that the list in ``texts`` names."""
        return self._list.parse(texts[0]) if texts else (min(self._parameters),)

    def on_set(self, call: Call) -> None:
        """The handler of the command."""
        parsed = {
            channel: self._parameters[channel].parse(call.parameters[0])
            for channel in self.channels(call.parameters[1:])
        }
        self._values.update(parsed)

    def on_query(self, call: Call) -> str:
        """The handler of the query."""
        return ",".join(self._parameters[channel].show(self.get(channel)) for channel in self.channels(call.parameters))


class ScpiInstrument:
    """Executes program messages against its commands; belongs to one loop and is touched only there."""

    def __init__(self, idn: str, on_reset: Callable[[], None]) -> None:
        """``idn`` has four comma fields; ``on_reset`` is called by ``*RST``, after the settings were reset."""
        self.status = Status()
        self._on_reset = on_reset
        self._commands: list[_Command] = []
        self._found: dict[tuple[str, bool], tuple[_Command, tuple[int, ...]]] = {}
        """What valid headers were found to mean."""
        self._settings: list[Callable[[], None]] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._opc_armed = False
        self.command("*IDN?", lambda _: idn)
        self._add_common_commands()

    def command(self, pattern: str, run: Handler, *, least: int = 0, most: int = 0, waits: bool = False) -> None:
        """Add a command, or a query if ``pattern`` ends in ``?``, that takes ``least`` to ``most`` parameters.

        With ``waits`` it is carried out when no operation is pending any more. A later one replaces an earlier one.
        """
        header = HeaderPattern(pattern.removesuffix("?"))
        self._commands.append(_Command(header, pattern.endswith("?"), run, least, max(least, most), waits))
        self._found.clear()

    def setting(self, pattern: str, parameter: Parameter[T], default: T) -> Setting[T]:
        """Add a value with command and query."""
        setting = Setting(parameter, default)
        self.command(pattern, setting.on_set, least=1)
        self.command(f"{pattern}?", setting.on_query)
        self._settings.append(setting.reset)
        return setting

    def channel_setting(self, pattern: str, parameters: Mapping[int, Parameter[T]], default: T) -> ChannelSetting[T]:
        """Add a value of each channel with command and query."""
        setting = ChannelSetting(parameters, default)
        self.command(pattern, setting.on_set, least=1, most=2)
        self.command(f"{pattern}?", setting.on_query, most=1)
        self._settings.append(setting.reset)
        return setting

    @property
    def busy(self) -> bool:
        """True while an overlapped operation is pending."""
        return not self._idle.is_set()

    def begin(self) -> None:
        """An overlapped operation starts; -213 if one is pending."""
        if self.busy:
            raise ScpiError(-213)
        self._idle.clear()

    def complete(self) -> None:
        """The pending operation, if any, has ended."""
        if self._opc_armed:
            self.status.event |= OPC
            self._opc_armed = False
        self._idle.set()

    def restart(self) -> None:
        """Lose the supply and come back: settings, status and errors as after power-on, nothing pending."""
        self.status.restart()
        self._to_defaults()

    async def execute(self, message: str, *, refused: bool = False) -> str | None:
        """Carry out a program message; the answers of its queries joined by ``;``, or None if there are none.

        A command error ends the message, as 488.2 leaves it to do; after other errors the rest is carried out.
        ``refused``: the first command is, with -221.
        """
        answers: list[str] = []
        indefinite = False
        try:
            for unit in parse_message(message):
                try:
                    if refused:
                        refused = False
                        raise ScpiError(-221)
                    if unit.is_query and indefinite:
                        raise ScpiError(-440)
                    answer = await self._run(unit, bool(answers))
                except ScpiError as error:
                    if error.code > -200:
                        raise
                    self.status.push(error)
                    continue
                if answer is not None:
                    answers.append(answer)
                    indefinite = unit.header == "*IDN"
        except ScpiError as error:
            self.status.push(error)
        return ";".join(answers) if answers else None

    async def _run(self, unit: MessageUnit, message_available: bool) -> str | None:
        if unit.header == "*STB" and unit.is_query:
            return str(self.status.byte(message_available))
        command, suffixes = self._find(unit.header, unit.is_query)
        if len(unit.parameters) < command.least:
            raise ScpiError(-109)
        if len(unit.parameters) > command.most:
            raise ScpiError(-108)
        if command.waits:
            await self._idle.wait()
        return command.run(Call(suffixes, unit.parameters))

    def _find(self, header: str, is_query: bool) -> tuple[_Command, tuple[int, ...]]:
        """The command, and the suffixes in the header; drivers ask the same again and again."""
        found = self._found.get((header, is_query))
        if found is None:
            for command in reversed(self._commands):
                if command.is_query == is_query and (suffixes := command.pattern.match(header)) is not None:
                    break
            else:
                raise ScpiError(-113, header)
            found = self._found[header, is_query] = command, suffixes
        return found

    def _add_common_commands(self) -> None:
        status, mask = self.status, Integer(0, 255)

        def set_event_enable(call: Call) -> None:
            status.event_enable = mask.parse(call.parameters[0])

        def set_service_enable(call: Call) -> None:
            status.service_enable = mask.parse(call.parameters[0]) & ~64  # bit 6 has no enable

        def arm_opc(_: Call) -> None:
            self._opc_armed = True
            if not self.busy:
                self.complete()

        self.command("*CLS", self._clear)
        self.command("*RST", self._reset)
        self.command("*OPC", arm_opc)
        self.command("*OPC?", lambda _: "1", waits=True)
        self.command("*WAI", lambda _: None, waits=True)
        self.command("*TST?", lambda _: "0")
        self.command("*ESR?", lambda _: str(status.pop_event()))
        self.command("*ESE", set_event_enable, least=1)
        self.command("*ESE?", lambda _: str(status.event_enable))
        self.command("*SRE", set_service_enable, least=1)
        self.command("*SRE?", lambda _: str(status.service_enable))
        self.command("SYSTem:ERRor[:NEXT]?", lambda _: status.pop_error())

    def _clear(self, _: Call) -> None:
        self._opc_armed = False
        self.status.clear()

    def _reset(self, _: Call) -> None:
        self._to_defaults()

    def _to_defaults(self) -> None:
        self._opc_armed = False
        self._idle.set()
        for reset in self._settings:
            reset()
        self._on_reset()
