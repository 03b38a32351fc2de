"""Alarms: conditions watched cycle by cycle, their hold times, and what is told of them."""
