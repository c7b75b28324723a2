"""What stands in the way of the projection."""

from app.errors import StreaklineError


class ProjectionError(StreaklineError):
    """The tables cannot be kept equal to the changelogs; the message says what to do."""
