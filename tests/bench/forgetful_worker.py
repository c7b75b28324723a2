"""A worker that remembers no identities: what is missing from it is what they cost. Plain Python only.

python -m tests.bench.forgetful_worker worker
"""

from app.cli import main
from tables.seen import Seen


def _always_new(_seen: Seen, _identity: str, _salt: int) -> bool:
    return True


if __name__ == "__main__":
    Seen.add = _always_new  # type: ignore[assignment,method-assign]  # that is its purpose
    main()
