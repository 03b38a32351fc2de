"""Counters that count a meter's test pulses between the two edges of the rig's gate."""
