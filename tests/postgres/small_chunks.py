"""``streakline`` with chunks so small that a kill finds an import anywhere: `python -m tests.postgres.small_chunks`."""

from app.cli import main
from app.postgres import reading

if __name__ == "__main__":
    reading.CHUNK = 200
    main()
