"""The rules: pure functions of values. No I/O, no clock, no Kafka, no configuration; time is an argument.

Days are integers: days since 1970-01-01, in UTC. Money is an integer of nano-dollars.
"""
