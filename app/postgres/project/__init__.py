"""``streakline project``: tables of SQL that equal the changelogs.

Without I/O: ``batch.py`` (what was read), ``rows.py`` (a row as rows of SQL), ``gateway.py`` (the merged
scope), ``projection.py`` (a batch as what a transaction writes). With I/O: ``follower.py`` (Kafka),
``store.py`` and its ``project.sql`` (PostgreSQL), ``projector.py``, which runs them. The schema is in
``app/postgres/schema``.
"""
