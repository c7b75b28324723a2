"""What is measured, as programs: ``python -m tests.bench.throughput``, ``.fold_cost``, ``.restore``,
``.faust_tables``.

Each starts its own broker unless KAFKA_BOOTSTRAP_SERVERS says another, works under a topic prefix of its own and
deletes what it made. Machines differ and are shared, so each measures what it compares in one run and prints
ratios. pytest collects none of them.
"""
