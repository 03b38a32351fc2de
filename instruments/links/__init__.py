"""Links: one owner for each wire, every exchange locked, with a deadline and a trace.

A link never answers a question with a reply that belongs to another one: after a time-out, a bad frame or a lost
connection it reopens or resynchronises before the next exchange. Deadlines of a link are wall time (the wire is real,
also in a simulated world); what an instrument takes to do its work is waited for on the clock, by drivers.
"""
