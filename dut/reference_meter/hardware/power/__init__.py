"""The supply as it really is: cells that wear, the pulse capacitor they charge, the rail, and what the loads draw."""
