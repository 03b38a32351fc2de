"""Program messages and command patterns (IEEE 488.2 chapter 7, SCPI-99 volume 1 chapters 5 and 6). No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from meterbench.instruments.scpi.errors import ScpiError

_UNIT = re.compile(
    r"(?P<header>\*[A-Za-z]+|:?[A-Za-z]\w*(?::[A-Za-z]\w*)*)(?P<query>\??)(?:\s+(?P<parameters>.*))?", re.S
)
_PATTERN_TOKEN = re.compile(r"[\[\]:*]|<(?P<highest>\d+)>|(?P<short>[A-Z]+)(?P<rest>[a-z]*)(?P<digits>\d*)")


@dataclass(frozen=True, slots=True)
class MessageUnit:
    """One command or query of a program message, its header completed to an absolute one in upper case."""

    header: str
    is_query: bool
    parameters: tuple[str, ...]


def split_outside(text: str, separator: str) -> list[str]:
    """``text`` cut at each ``separator`` that is neither inside quotes nor inside parentheses, each part stripped."""
    parts = [""]
    quote, depth = "", 0
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
            if char == separator and depth == 0:
                parts.append("")
                continue
        parts[-1] += char
    if quote:
        raise ScpiError(-151)
    if depth:
        raise ScpiError(-102)
    return [part.strip() for part in parts]


def parse_message(message: str) -> Iterator[MessageUnit]:
    """The units of one program message, in turn; ``ScpiError`` at the first that is not in the grammar.

    A header without leading colon continues at the node where the one before it ended; common commands (``*``) stand
    outside of this path.
    """
    path = ""
    for text in split_outside(message, ";"):
        if not text:
            continue
        match = _UNIT.fullmatch(text)
        if match is None:
            raise ScpiError(-102, text)
        header = match["header"].upper()
        if not header.startswith("*"):
            header = header[1:] if header.startswith(":") else path + header
            path = header[: header.rfind(":") + 1]
        parameters = match["parameters"]
        yield MessageUnit(header, bool(match["query"]), tuple(split_outside(parameters, ",")) if parameters else ())


class HeaderPattern:
    """A header as manuals print it: ``[SENSe:]TOTalize:GATE:SOURce``, ``INPut<2>:COUPling`` (suffix 1 to 2), ``*RST``.

    Capitals are the short form, which or the whole word matches, nothing between; brackets are optional.
    """

    def __init__(self, pattern: str) -> None:
        self._highest: list[int] = []
        self._regex = re.compile(_PATTERN_TOKEN.sub(self._token, pattern))

    def match(self, header: str) -> tuple[int, ...] | None:
        """The numeric suffixes of ``header`` (1 where it has none), or None; ``ScpiError`` if one is out of range."""
        match = self._regex.fullmatch(header)
        if match is None:
            return None
        suffixes = tuple(int(group) if group else 1 for group in match.groups())
        if any(not 1 <= suffix <= highest for suffix, highest in zip(suffixes, self._highest, strict=True)):
            raise ScpiError(-114, header)
        return suffixes

    def _token(self, token: re.Match[str]) -> str:
        if token["highest"]:
            self._highest.append(int(token["highest"]))
            return r"(\d*)"
        if token["short"]:
            rest = f"(?:{token['rest'].upper()})?" if token["rest"] else ""
            return token["short"] + rest + token["digits"]
        return {"[": "(?:", "]": ")?", "*": r"\*"}.get(token[0], token[0])
