"""The programs that are compared: how each is started, how far it is, and what it has counted in the end."""

from collections.abc import Mapping
from typing import Final

from tests.bench.subjects.getmany import GetMany
from tests.bench.subjects.kafka_streams import KafkaStreams, KafkaStreamsOften, KafkaStreamsRocksDb
from tests.bench.subjects.python_programs import Bytewax, Faust, QuixStreams
from tests.bench.subjects.streakline import Forgetful, Streakline
from tests.bench.subjects.subject import Subject

_ALL: Final[tuple[type[Subject], ...]] = (
    Streakline,
    Forgetful,
    KafkaStreams,
    KafkaStreamsOften,
    KafkaStreamsRocksDb,
    Bytewax,
    QuixStreams,
    Faust,
    GetMany,
)

#: By name.
SUBJECTS: Final[Mapping[str, type[Subject]]] = {each.name: each for each in _ALL}
