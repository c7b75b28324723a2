"""What is measured, as programs: ``make bench`` (``.venv/bin/python -m tests.bench``),
``.venv/bin/python -m tests.bench.kills`` and ``.fold_cost``.

Each starts its own broker unless KAFKA_BOOTSTRAP_SERVERS says another, works under a topic prefix of its own and
deletes what it made. Machines differ and are shared, so each measures what it compares in one run and prints
ratios. pytest collects none of them.

Where to begin: ``load.py`` makes the traffic and ``expected.py`` counts it, ``subjects/`` has the programs,
``contest.py`` lets them take turns, ``outputs.py`` reads what they have published, ``restore.py`` restores many
callers; ``table.py`` and ``plot.py`` show it.
"""
