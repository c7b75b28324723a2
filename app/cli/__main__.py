"""`python -m app.cli` is `streakline`, for whoever knows the interpreter but not where its scripts are."""

from app.cli import main

if __name__ == "__main__":
    main()
