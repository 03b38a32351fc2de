"""The tests of a type evaluation (ISO 4064-2, 7 and 8), one module a clause: each a function of a ``Trial``."""
