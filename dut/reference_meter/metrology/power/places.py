"""The batteries by their places, and the sources that the switches can connect (technical description, 13.1)."""

from __future__ import annotations

from enum import Enum


class Place(Enum):
    """A place with a contact that tells whether a pack is there."""

    C1 = "C1"
    C2 = "C2"
    BACKUP = "backup"
    EXTERNAL = "external"


class Source(Enum):
    """What feeds the meter."""

    EXTERNAL = "external"
    MAIN = "main"
    BACKUP = "backup"
    NONE = "none"

    @property
    def places(self) -> tuple[Place, ...]:
        """The places that are connected together."""
        return _PLACES[self]


_PLACES = {
    Source.EXTERNAL: (Place.EXTERNAL,),
    Source.MAIN: (Place.C1, Place.C2),
    Source.BACKUP: (Place.BACKUP,),
    Source.NONE: (),
}
