from __future__ import annotations

from aiokafka.partitioner import murmur2 as aiokafkas
from hypothesis import given
from hypothesis import strategies as st

from app.domain.murmur import murmur2


@given(st.binary(max_size=64))
def test_it_is_the_hash_of_the_java_client(key: bytes) -> None:
    """Every key has the hash that aiokafka's partitioner gives it, which is the Java client's."""
    assert murmur2(key) == aiokafkas(key) & 0xFFFFFFFF


def test_known_keys() -> None:
    """The keys and hashes of Kafka's own test (UtilsTest.testMurmur2)."""
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) for key in known} == {key: value % 2**32 for key, value in known.items()}
