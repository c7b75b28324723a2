"""The one way out when memory may be ahead of the log."""

import logging
import os
import sys
from typing import NoReturn

logger = logging.getLogger(__name__)

FAILED = 1


def leave(why: str, cause: BaseException | None = None) -> NoReturn:
    """End the process at once with status 1; a supervisor starts it again and it restores what was committed.

    Nothing is retried and nothing is cleaned up: an open transaction is aborted by the next owner's fence,
    or by the broker after the transaction timeout.
    """
    detail = f": {type(cause).__name__}: {cause}" if cause is not None else ""
    logger.critical(
        "leaving: %s%s", why, detail, exc_info=cause if logger.isEnabledFor(logging.DEBUG) else None
    )
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FAILED)
