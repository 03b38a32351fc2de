"""Power as the firmware sees it: which source feeds, what is left in it, and when to warn of a low battery."""
