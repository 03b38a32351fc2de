"""SCPI's own errors (SCPI-99 volume 2, chapter 21.8): class by the hundreds, texts as instruments print them."""

from __future__ import annotations

TEXTS = {
    0: "No error",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -131: "Invalid suffix",
    -138: "Suffix not allowed",
    -151: "Invalid string data",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Data out of range",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -310: "System error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -440: "Query UNTERMINATED after indefinite response",
}


class ScpiError(Exception):
    """What a command handler raises to refuse; ``code`` is one of ``TEXTS``, ``info`` goes behind the text."""

    def __init__(self, code: int, info: str = "") -> None:
        self.code = code
        self.info = info
        super().__init__(str(self))

    def __str__(self) -> str:
        text = TEXTS[self.code] + (f";{self.info}" if self.info else "")
        return f'{self.code},"{text[:255].replace(chr(34), chr(34) * 2)}"'
