"""How much may be asked for at once."""

from typing import Final

from app.view.recent import OF_ALL
from app.view.standings import PLACES

#: Days of a calendar: three years.
CALENDAR_DAYS: Final = 1_096

#: Entries of a feed. Of one caller fewer are kept.
FEED_ENTRIES: Final = OF_ALL
FEED_DEFAULT: Final = 50

#: Places of a ranking.
LEADERS: Final = PLACES
LEADERS_DEFAULT: Final = 10

#: Listeners to the stream.
LISTENERS: Final = 1_000
