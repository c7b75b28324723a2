"""The engine: batches, tasks, transactions and restore, and nothing about gateways.

Follow one batch from the fetch to the commit:

1. ``consumer.py``      Faust's consumer: one message per fetch (``fetched.py``)
2. ``batches.py``       what an agent does with it: find the task, fold, make room
3. ``task.py``          the state of one partition, its positions, and the loop that commits
4. ``transactions.py``  one transaction for messages, rows and positions

How a task comes and goes: ``recovery.py`` (after a rebalance), ``tasks.py`` (open, close), ``takeover.py``
(older owners are shut out, and what they left open is ended, as ``last_transaction.py`` says), then
``changelog.py`` (reading to the end), ``rows_written.py`` (whether all is there), ``leave.py`` (the way out).
``watchdog.py`` leaves when a task gets nowhere: ``progress.py`` decides, ``sources.py`` asks the broker.
``fetching.py`` has aiokafka fetch promptly, ``receiving.py`` has it copy less of the answer, ``records.py``
has it hand out a fetch at once; the view too.
What lies in a batch: ``record_batch.py`` reads it and leaves its values where they are (``record.py``),
``record_writer.py`` writes it, ``written_batch.py`` is how aiokafka sends that.
``fold.py`` is all that the engine asks of the rules; ``app.py`` hooks everything into Faust.
"""
