"""A gateway that only writes SQL: three connections at once, with long transactions, savepoints and rollbacks."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Self

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = (
    "INSERT INTO request_tracking (request_id, caller_id, model, status, created_at)"
    " VALUES (%s, %s, 'gpt-4o', 'ok', now())"
)
CALL = "INSERT INTO mcp_tool_calls (caller_id, tool, tokens_saved) VALUES ('ada', 'search', 7)"
HIT = (
    "INSERT INTO response_cache (cache_key, hit_count, tokens_saved, cost_saved, last_hit_at)"
    " VALUES (%s, 1, 100, 0.0000000001, now()) ON CONFLICT (cache_key) DO UPDATE SET"
    " hit_count = response_cache.hit_count + 1, tokens_saved = response_cache.tokens_saved + 100,"
    " cost_saved = response_cache.cost_saved + 0.0000000123, last_hit_at = now()"
)


class Writers:
    """Write from entering to leaving."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        writers: tuple[Callable[[psycopg.Connection, random.Random], None], ...]
        writers = (self._short, self._long, self._late)
        self._threads = [
            threading.Thread(target=self._write, args=(number, write)) for number, write in enumerate(writers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _write(self, number: int, write: Callable[[psycopg.Connection, random.Random], None]) -> None:
        chance = random.Random(number)
        try:
            with psycopg.connect(self._url) as connection:
                while not self._over.is_set():
                    write(connection, chance)
                    connection.commit()
        except BaseException as error:  # noqa: BLE001 - raised where the threads are joined
            self._errors.append(error)

    def _short(self, connection: psycopg.Connection, chance: random.Random) -> None:
        """A row or two at a time, some of them changed at once, some rolled back."""
        name = f"short-{chance.getrandbits(60)}"
        connection.execute(REQUEST, (name, "ada"))
        connection.execute(HIT, (f"key-{chance.randrange(20)}",))
        if chance.random() < 0.1:
            connection.rollback()
        elif chance.random() < 0.2:
            connection.commit()
            connection.execute("UPDATE request_tracking SET status = 'error' WHERE request_id = %s", (name,))
        time.sleep(0.002)

    def _long(self, connection: psycopg.Connection, chance: random.Random) -> None:
        """Rows in a transaction that stays open, some in savepoints, which have numbers of their own."""
        for _ in range(3):
            connection.execute(REQUEST, (f"long-{chance.getrandbits(60)}", "bob"))
            time.sleep(0.4)
            with connection.transaction(force_rollback=chance.random() < 0.3):
                connection.execute(REQUEST, (f"savepoint-{chance.getrandbits(60)}", "bob"))
                connection.execute(CALL)
        connection.execute(HIT, (f"key-{chance.randrange(20)}",))

    def _late(self, connection: psycopg.Connection, chance: random.Random) -> None:
        """A transaction that gets its number long after its time; facts and subscriptions come and go."""
        connection.execute("SELECT 1")
        time.sleep(chance.uniform(0.2, 1.2))
        connection.execute(REQUEST, (f"late-{chance.getrandbits(60)}", "eve"))
        connection.execute(CALL)
        fact = f"fact-{chance.getrandbits(60)}"
        connection.execute("INSERT INTO caller_knowledge (fact_id, caller_id) VALUES (%s, 'eve')", (fact,))
        connection.execute(
            "UPDATE caller_knowledge SET superseded_by = %s WHERE fact_id = "
            "(SELECT min(fact_id) FROM caller_knowledge WHERE superseded_by IS NULL)",
            (fact,),
        )
        connection.execute(
            "INSERT INTO race_mode_results VALUES (%s, 'gpt-4o'), (%s, 'llama-3')", (fact, fact)
        )
        subscription = f"sub-{chance.randrange(5)}"
        if chance.random() < 0.4:
            connection.execute(
                "DELETE FROM subscription_quota_window WHERE subscription_id = %s", (subscription,)
            )
        else:
            connection.execute("INSERT INTO subscription_quota_window VALUES (%s, now())", (subscription,))
