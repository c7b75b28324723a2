"""Postgres: a gateway's history in, the comparison with the SQL rescan, tables out.

SQL lives in `.sql` files beside the code that runs it; `queries` reads them by name.
"""
