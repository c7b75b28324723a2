"""``models``: the models that a scope was routed through. Key: the caller's id, empty for a share."""

from typing import Final

import msgspec

from tables.codec import Codec, VersionedRow

#: Distinct models that a scope counts.
MOST: Final = 10_000


class Models(VersionedRow, array_like=True, kw_only=True):
    """A set of model names; merging is their union.

    Past ``MOST`` no name is added, and the count stays there, whatever order they came in: a gateway that
    makes up a name for each request must not grow a row beyond what Kafka takes.
    """

    names: set[str] = msgspec.field(default_factory=set)

    def put(self, name: str) -> bool:
        """Add a model; return whether it is new."""
        if name in self.names or len(self.names) >= MOST:
            return False
        self.names.add(name)
        return True

    def add(self, other: "Models") -> None:
        """Add another scope's models."""
        self.names |= other.names


TABLE: Final = "models"
CODEC: Final[Codec[Models]] = Codec(Models)
