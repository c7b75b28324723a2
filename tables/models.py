"""``models``: the models that a scope was routed through. Key: the caller's id, empty for a share."""

from typing import Final

import msgspec

from tables.codec import Codec, VersionedRow


class Models(VersionedRow, array_like=True, kw_only=True):
    """A set of model names; merging is their union."""

    names: set[str] = msgspec.field(default_factory=set)

    def add(self, other: "Models") -> None:
        """Add another scope's models."""
        self.names |= other.names


TABLE: Final = "models"
CODEC: Final = Codec(Models)
