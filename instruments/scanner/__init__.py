"""Readers of nameplates: drivers and simulators."""
