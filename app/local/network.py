"""Ports of this machine, and whether a broker answers on one."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from app.local.files import LocalBrokerError

HOST = "127.0.0.1"


class PortTakenError(LocalBrokerError):
    """Another program has the port."""


def require_free(port: int) -> None:
    """Raise when the port cannot be listened on, before a JVM takes seconds to find out."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is used by another program" if taken else f"cannot be used ({error.strerror})"
            raise PortTakenError(
                f"port {port} {reason}: choose another with `streakline kafka start --port 19092`, "
                "or set KAFKA_BOOTSTRAP_SERVERS if that is your Kafka"
            ) from error


def free_port() -> int:
    """Find a port that is free now; another program may take it the moment after."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Ask for the cluster's metadata, as every client does first: an open port is not yet a broker."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a broker that is not ready is no error here
    try:
        return asyncio.run(_has_brokers(f"{HOST}:{port}"))
    finally:
        logger.setLevel(level)


async def _has_brokers(address: str) -> bool:
    from aiokafka.client import AIOKafkaClient  # noqa: PLC0415 - slow, and only needed here
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - see above

    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=5000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
