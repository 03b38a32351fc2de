"""Settings of a simulated SCPI supply that take effect at once, and its channel lists. For simulators only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from meterbench.instruments.scpi.core import Call, Handler, ScpiInstrument, Setting
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Channels, Parameter

T = TypeVar("T")


class ActingSettings:
    """Adds commands to ``scpi``; ``act`` is called after each change. ``highest`` > 0: each takes a channel list."""

    def __init__(self, scpi: ScpiInstrument, act: Callable[[], None], highest: int = 0) -> None:
        self._scpi, self._act = scpi, act
        self._channels = Channels(1, highest) if highest else None
        self._added: list[Setting[Any]] = []

    def add(self, pattern: str, parameter: Parameter[T], default: T) -> Setting[T]:
        """A value with command and query."""
        setting = Setting(parameter, default)

        def set_it(call: Call) -> None:
            setting.on_set(Call((), call.parameters))
            self._act()

        self.command(pattern, set_it, least=1)
        self.command(f"{pattern}?", lambda _: setting.on_query(Call((), ())))
        self._added.append(setting)
        return setting

    def command(self, pattern: str, run: Handler, *, least: int = 0) -> None:
        """A command or query of ``least`` parameters, and the channel list behind them; -241 without its channel."""
        channels = self._channels
        if channels is None:
            self._scpi.command(pattern, run, least=least)
            return

        def on_channel(call: Call) -> str | None:
            if channels.parse(call.parameters[-1]) != (1,):
                raise ScpiError(-222, "no module there")
            return run(Call(call.suffixes, call.parameters[:-1]))

        self._scpi.command(pattern, on_channel, least=least + 1)

    def reset(self) -> None:
        """All back to their defaults; nothing acts."""
        for setting in self._added:
            setting.reset()
