"""The chaos suite: the worst that producers, machines and brokers do, and a recount of the input as the judge.

``make chaos`` runs all faults in full and prints a table; ``make chaos ARGS='1 6 --seed 7'`` some of them, by the
beginning of their keys; ``make test`` runs each in its short form (``test_chaos.py``). ``make chaos-mutants`` takes
out one safeguard after the other and shows that the suite goes red.

How to add a fault:

1. Write ``def strike(chaos: Chaos) -> None`` in a module of ``faults/``: start workers, do the worst ``chaos.times``
   times, call ``chaos.struck()`` after each time (progress; the time to lag 0 is measured from here), return.
   A producer sends all the while. What follows is the harness's: it stops the producer, waits until lag is 0 (at most
   ``Fault.patience`` seconds), stops the workers with SIGTERM and judges.
2. Describe it as a ``Fault`` (``fault.py``) in ``FAULTS`` of the module: key, title, how many times in full and in
   short, the traffic (``Mix``), its own brokers if it needs any. Add the module to ``faults/__init__.py``.

What a fault has in its hands (``harness.Chaos``):

- ``chaos.times``, ``chaos.random`` (seeded), ``chaos.pause(shortest, longest)``, ``chaos.struck()``
- ``chaos.start_workers(3, static=2)``: supervised ``Slot``s, started again whenever they leave; a slot can
  ``kill()``, ``freeze()`` / ``thaw()`` (SIGSTOP, SIGCONT), ``retire()`` (SIGTERM, for good), ``wait_until_folding()``;
  it has ``process``, ``log``, ``last_line``, ``starts``, ``expected`` (statuses that are no surprise). Every end of a
  process is in ``chaos.workers.departures``; unexpected ones are told below the table.
- ``chaos.wait_until_folded(patience)``: until all that is in the inputs *now* is folded, traffic or not; raises
  ``NotFoldedError``. Call it after a strike to have that strike's recovery in the table too (the longest is shown).
- ``chaos.sender`` (``sent``), ``chaos.deployment`` (``run``, ``settings``, ``around``: see ``tests/support``)

A fault with brokers of its own gives ``Fault(brokers=...)``: a context manager that takes a folder and yields the
bootstrap address; what ``strike`` needs beyond the address it finds by ``chaos.folder``.

The parts: ``traffic.py`` (seeded events and what happens to them on their way), ``sender.py`` (the producer),
``supervisor.py`` (workers), ``worker.py`` with ``points.py`` and ``safeguards.py`` (a test-only entry of the worker:
shorter session, named points to die or to stop at, a safeguard taken out), ``recount.py`` (the judge's own count of the
input; imports nothing of the product), ``state.py`` (what the product says), ``judge.py`` (the comparison), ``report.py``
(progress and table), ``mutants.py`` (which fault must turn red without which safeguard), ``stock_faust.py`` (a program
that has none of them).

How to add a safeguard: write in ``safeguards.py`` what takes it out of the process, name it in ``SAFEGUARDS``, and say
in ``MUTANTS`` (``mutants.py``) which fault must show that it is missing. Only what the judge finds counts: a worker
without it that crashes or never gets to the end has proved nothing.
"""
