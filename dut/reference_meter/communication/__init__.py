"""The legally non-relevant firmware: it sees only the read interface that the metrology publishes."""
