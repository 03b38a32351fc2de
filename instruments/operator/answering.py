"""When an answer counts, for every kind of operator."""

from __future__ import annotations

from meterbench.errors import ConfigError, DeadlineExceeded
from meterbench.instruments.capabilities import OperatorAnswer, OperatorTask


def accepted(task: OperatorTask, text: str) -> str | None:
    """The choice that ``text`` means, whatever its case and blanks around; None if it means none. Never empty."""
    text = text.strip()
    if not task.choices:
        return text or None
    return next((choice for choice in task.choices if choice.casefold() == text.casefold()), None)


def require_sound(role: str, task: OperatorTask) -> None:
    """``ConfigError`` for a task that nobody could answer rightly."""
    if not task.deadline_s > 0.0:
        raise ConfigError(f"{role}: task {task.name}: a deadline of {task.deadline_s} s leaves no time to answer")
    if task.default is not None and accepted(task, task.default) != task.default:
        raise ConfigError(f"{role}: task {task.name}: its default {task.default!r} is none of {list(task.choices)}")


def unanswered(role: str, task: OperatorTask, who: str, took_s: float, why: str) -> OperatorAnswer:
    """The default of ``task``, marked as such; ``DeadlineExceeded`` with ``why`` if it has none."""
    if task.default is None:
        raise DeadlineExceeded(
            f"{role}: asked {task.name} ({task.instruction!r}), {why}, and it has no default; ask again"
        )
    return OperatorAnswer(task.default, who, by_default=True, took_s=took_s)
