"""Resistance thermometers: what gives ohms, and the probe's certificate that makes degC of them."""
