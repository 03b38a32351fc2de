"""What ``ADR15-1-1`` means: series, nominal diameter, body and communication (ADR-001, ADR-002)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meterbench.errors import ConfigError

BODY_LENGTHS_MM: dict[int, dict[int, int]] = {
    15: {1: 110, 2: 165},
    20: {1: 130, 2: 195},
    25: {1: 190, 2: 225},
}
"""Body length by nominal diameter and body index; 1 is the shortest, 2 the longest (technical description, 4).

Body indices 10 to 20 are reserved for lengths in between; none has been given a length yet, so none is accepted.
"""

_PATTERN = re.compile(r"ADR(\d{1,3})-(\d{1,3})-(\d{1,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Designation:
    """``ADR{dn}-{body_index}-{communication_index}``.

    The communication index is a natural number that the maker of the communication firmware gives a meaning.
    """

    dn: int
    body_index: int
    communication_index: int

    def __post_init__(self) -> None:
        if self.dn not in BODY_LENGTHS_MM:
            raise ConfigError(f"{self}: there is no DN {self.dn}; allowed are {_listed(BODY_LENGTHS_MM)}")
        bodies = BODY_LENGTHS_MM[self.dn]
        if self.body_index not in bodies:
            reserved = (
                " is reserved for a length that is not defined yet" if 10 <= self.body_index <= 20 else " is unknown"
            )
            lengths = ", ".join(f"{index} ({length} mm)" for index, length in bodies.items())
            raise ConfigError(f"{self}: body index {self.body_index}{reserved}; allowed are {lengths}")
        if self.communication_index < 1:
            raise ConfigError(f"{self}: communication index {self.communication_index}; allowed are 1, 2, 3, ...")

    @classmethod
    def parse(cls, text: str) -> Designation:
        """The designation that ``text`` spells; ``ConfigError`` names what cannot be meant, and what can."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"designation {text!r} is not of the form ADR{{DN}}-{{body}}-{{communication}}, as ADR15-1-1"
            )
        return cls(*(int(group) for group in match.groups()))

    @property
    def body_length_mm(self) -> int:
        """Length of the body between its threads' faces, mm."""
        return BODY_LENGTHS_MM[self.dn][self.body_index]

    def __str__(self) -> str:
        return f"ADR{self.dn}-{self.body_index}-{self.communication_index}"


def _listed(choices: dict[int, dict[int, int]]) -> str:
    return ", ".join(str(choice) for choice in choices)
