"""The values of the outputs as bytes: what ``published`` says, put together from pieces.

The pieces of whatever can be earned are cut once out of what ``published`` writes of it; what the messages of
one event share is in ``occasions``. A property test holds both together, byte for byte. Compiled
where a compiler was at hand.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from app.domain.achievements import ACHIEVEMENTS, Achievement
from app.domain.earned import AchievementEarned, LevelReached, Progress, StageReached
from app.domain.money import to_dollars
from app.domain.occasions import Occasion, Reading
from app.domain.published import EVENT_ID_DIGITS, LARGEST, publish
from app.domain.species import SPECIES, Species

_ENCODE: Final = msgspec.json.Encoder().encode
_SHA256: Final = hashlib.sha256
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final[int] = LARGEST
_DIGITS: Final[int] = EVENT_ID_DIGITS

#: What every value begins with; the event id follows, the scope, and what is said of the occasion.
_HEAD: Final = b'{"event_id":"'
_SCOPE: Final = b'","scope":'

#: A message: its form, its event id and its value.
Written: TypeAlias = "tuple[Form, bytes, bytes]"


class Form:
    """The messages about one thing that can be earned, of which nearly all is known beforehand.

    ``example`` is that thing; ``parts`` make a message unique beside its output and its scope.
    """

    def __init__(self, example: Progress, *parts: str) -> None:
        self.example = example
        output, value = publish(example, "", _EPOCH, _EPOCH, None)
        self.first_part: bytes = b"[" + _ENCODE(output) + b","
        self.last_parts: bytes = b"," + _ENCODE(parts)[1:]
        #: What follows after the fields that all outputs have; ``behind`` is what follows after what varies.
        self.before: bytes = _ENCODE(value).partition(Occasion(_EPOCH, Reading(_EPOCH)).fields)[2]
        self.behind = b""
        self.is_money = False
        #: Its place in ``FORMS``.
        self.number = 0

    def write(self, scope: bytes, occasion: Occasion, last_parts: bytes, varying: bytes) -> Written:
        """Return a message."""
        event_id: bytes = _SHA256(self.first_part + scope + last_parts).hexdigest()[:_DIGITS].encode()
        value = b"".join([_HEAD, event_id, _SCOPE, scope, occasion.fields, self.before, varying, self.behind])
        return self, event_id, value


def _achievement(achievement: Achievement) -> Form:
    """Return the form of an achievement: the value of its measure varies."""
    form = Form(AchievementEarned(achievement, 0, achievement.threshold), achievement.id)
    words, name, value = form.before.rpartition(b'"value":')
    form.before, form.behind = words + name, value[value.index(b",") :]
    form.is_money = achievement.measure == "cost_saved"
    return form


def _stages(species: Species) -> list[Form]:
    """Return the forms of a species' stages: nothing varies."""
    return [
        Form(StageReached(species, stage, index), species.id, str(index))
        for index, stage in enumerate(species.stages)
    ]


def _level() -> Form:
    """Return the form of all levels: everything varies."""
    form = Form(LevelReached(1, 2, 0, 0))
    form.before = b""
    return form


_ACHIEVEMENTS: Final = {each.id: _achievement(each) for each in ACHIEVEMENTS}
_STAGES: Final = {species.id: _stages(species) for species in SPECIES}
_LEVEL: Final = _level()

#: All forms there are.
FORMS: Final[list[Form]] = [
    *_ACHIEVEMENTS.values(),
    _LEVEL,
    *[form for stages in _STAGES.values() for form in stages],
]
for _number, _form in enumerate(FORMS):
    _form.number = _number


def write(progress: Progress, scope: bytes, occasion: Occasion) -> Written:
    """Return the message about something that was earned, as ``published`` would write it.

    ``scope`` is the name of the scope as JSON.
    """
    if isinstance(progress, AchievementEarned):
        form = _ACHIEVEMENTS[progress.achievement.id]
        value = min(progress.value, _LARGEST)
        varying: bytes = _ENCODE(to_dollars(value) if form.is_money else value)
        return form.write(scope, occasion, form.last_parts, varying)
    if isinstance(progress, StageReached):
        form = _STAGES[progress.species.id][progress.stage_index]
        return form.write(scope, occasion, form.last_parts, b"")
    return _LEVEL.write(scope, occasion, f',"{progress.level}"]'.encode(), _numbers(progress))


def _numbers(progress: LevelReached) -> bytes:
    points, goal = min(progress.xp, _LARGEST), min(progress.xp_for_next_level, _LARGEST)
    levels = f',"from_level":{progress.from_level},"level":{progress.level}'
    return f'{levels},"xp":{points},"xp_for_next_level":{goal}}}'.encode()
