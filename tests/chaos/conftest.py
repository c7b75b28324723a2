from __future__ import annotations

from tests.kafka.conftest import broker

__all__ = ["broker"]
