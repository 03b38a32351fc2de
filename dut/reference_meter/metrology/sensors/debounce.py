"""A level that counts only once it has stood still."""

from __future__ import annotations


class Debounced:
    """Follows a raw level that has not changed for more than ``hold_s`` seconds, and starts at ``level``.

    A raw level is known only when ``update`` is called: call it at every edge, or often against ``hold_s``.
    """

    def __init__(self, hold_s: float, *, level: bool = False) -> None:
        self._hold_s = hold_s
        self._differs_since_s: float | None = None
        self.level = level

    def update(self, raw: bool, now_s: float) -> bool:
        """Take in the raw level as it is now; the level that counts."""
        if raw == self.level:
            self._differs_since_s = None
        elif self._differs_since_s is None:
            self._differs_since_s = now_s
        elif now_s - self._differs_since_s > self._hold_s:
            self._differs_since_s = None
            self.level = raw
        return self.level
