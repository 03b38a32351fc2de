"""Answers for a person from a TOML file: rehearsals and benches that run by themselves.

::

    who = "A. Example"              # goes into the record with each answer

    [answers.magnet_on]             # by the task's name
    answer = "done"
    delay_s = 20                    # on the clock; optional
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from meterbench.errors import ConfigError
from meterbench.instruments.capabilities import Exchange, Identity, OperatorAnswer, OperatorTask
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.operator.answering import accepted, require_sound, unanswered
from meterbench.instruments.place import Place


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


class ScriptedAnswer(_Section):
    """``[answers.NAME]``."""

    answer: str = Field(min_length=1)
    who: str = ""
    """Empty: as at the top."""
    delay_s: float = Field(default=0.0, ge=0.0)


class Script(_Section):
    """The whole file."""

    who: str = Field(min_length=1)
    answers: dict[str, ScriptedAnswer] = {}


class OperatorScript:
    """An ``Operator`` that answers from a file."""

    def __init__(self, place: Place, script: Script) -> None:
        self.role = place.role
        self.identity = Identity("", "operator script", "", "")
        self._place = place
        self._script = script
        self._trace = Trace(f"{place.role} at {place.address}", place.tape)

    def ask(self, task: OperatorTask) -> OperatorAnswer:
        """The answer in the file, after its delay; ``ConfigError`` if it is none of the choices.

        An answer that is missing, or later than the deadline, is the task's default or ``DeadlineExceeded``.
        """
        require_sound(self.role, task)
        scripted = self._script.answers.get(task.name)
        who = scripted.who if scripted is not None and scripted.who else self._script.who
        if scripted is None:
            return unanswered(self.role, task, who, 0.0, f"{self._place.address} has no [answers.{task.name}]")
        self._place.clock.sleep(min(scripted.delay_s, task.deadline_s))
        if scripted.delay_s > task.deadline_s:
            why = f"the answer comes after {scripted.delay_s:g} s and {task.deadline_s:g} s are allowed"
            return unanswered(self.role, task, who, task.deadline_s, why)
        answer = accepted(task, scripted.answer)
        self._trace.add(task.instruction.encode(), scripted.answer.encode(), 0.0)
        if answer is None:
            raise ConfigError(
                f"{self.role}: {self._place.address}: answers.{task.name}.answer: {scripted.answer!r} is no answer; "
                f"allowed: {', '.join(task.choices)}"
            )
        return OperatorAnswer(answer, who, by_default=False, took_s=scripted.delay_s)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 questions and answers, oldest first."""
        return self._trace.exchanges()

    def close(self) -> None:
        """Nothing is open."""


def open_operator_script(place: Place) -> OperatorScript:
    """With the script at the path that is the address; ``ConfigError`` names what is wrong in it."""
    try:
        content = tomllib.loads(Path(place.address).read_text(encoding="utf-8"))
        script = Script.model_validate(content)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise ConfigError(f"{place.role}: cannot read the script {place.address!r}: {cause}") from cause
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place.role}: {place.address}: {key}: {first['msg']}") from None
    return OperatorScript(place, script)
