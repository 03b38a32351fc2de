"""The functions of an ADR meter by its technical description, one module a function: each a function of a ``Trial``."""
