"""Simulated nature, no I/O: clock, water, hydraulics, weighing, the laboratory's air.

What stands here is the truth. Instruments' simulators and the meter's hardware look at it through their own errors;
procedures never see it, but for the clock.
"""
