"""The tables: what a row is, how an event changes it, how it is written."""
