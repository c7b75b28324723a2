"""The demo on a terminal: unlocks as they come, a bar below them, and in the end the buddy."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from app.domain.published import AchievementUnlocked, LevelUp, PetEvolved, Published
from app.domain.species import GATEWAY_DRAGON
from app.local.demo import Outcome
from app.view import words
from app.view.messages import line
from app.view.plain import buddy_lines
from app.view.scope_view import ScopeView, scope_view
from app.view.svg import to_svg
from app.view.terminal import buddy_panel
from tables.publishing import GATEWAY

#: Of callers only these are shown: hundreds of lines would be for nobody.
_NOTABLE = frozenset({"requests-1k", "saved-1m", "cost-10d", "cost-100d", "streak-7", "streak-30"})
_NOTABLE_LEVELS = 10
_NOTABLE_CALLER_LEVEL = 20
_NOTABLE_DRAGON = 3
_LONGEST_BAR, _SHORTEST_BAR, _BESIDE_BAR = 30, 10, 76
_KINDS: Final[dict[type[Published], str]] = {
    AchievementUnlocked: "unlock",
    LevelUp: "level-up",
    PetEvolved: "evolution",
}
_PANEL_WIDTH = 84
_PICTURE_WIDTH = 100
#: How many of the first and of the last unlocks are in a picture.
_IN_PICTURE = (14, 8)
#: Seconds between two lines of progress where there is no terminal.
_PLAIN_EVERY = 3.0


class DemoScreen:
    """Prints what the demo tells; see ``app.local.demo.Screen``. Use as a context manager."""

    def __init__(self, console: Console, how_to_go_on: Sequence[str]) -> None:
        self._console = console
        self._how_to_go_on = how_to_go_on
        self._spinner = Spinner("dots")
        self._bar: Text | None = None
        self._counts: Counter[type[Published]] = Counter()
        self._is_over = False
        self._live = Live(console=console, get_renderable=self._status, refresh_per_second=8, transient=True)
        self._last_line = time.monotonic()
        #: For a picture: what was printed before the unlocks, the unlocks, and what came after them.
        self._printed: tuple[list[RenderableType], ...] = ([], [], [])

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, done: str) -> None:
        """Print what is done."""
        self._print(Text.assemble(("✓ ", words.GOOD), done))

    def doing(self, what: str) -> None:
        """Show what is under way, where lines can change."""
        self._bar = None
        self._spinner.update(text=Text(what))

    def progress(self, at: datetime | None, folded: int, total: int) -> None:
        """Show the bar, or print a line now and then."""
        day = f"{at:%b %d}" if at else ""
        earned = [words.counted(self._counts[kind], word) for kind, word in _KINDS.items()]
        if self._console.is_terminal:
            self._bar = self._line_with_bar(day, folded, total, earned)
        elif total and time.monotonic() - self._last_line > _PLAIN_EVERY:
            self._last_line = time.monotonic()
            text = f"{day}: {folded:,} of {total:,} events folded, {', '.join(earned)}"
            self._console.print(text, soft_wrap=True)

    def _line_with_bar(self, day: str, folded: int, total: int, earned: Sequence[str]) -> Text:
        bar = Text(f"{day}  ", words.QUIET)
        if total:
            width = max(_SHORTEST_BAR, min(_LONGEST_BAR, self._console.width - _BESIDE_BAR))
            bar.append(words.bar(folded / total, width)).append(f" {folded:,} of {total:,} events", "default")
        else:
            bar.append(f"live traffic, {folded:,} events folded", "default")
        for each in earned:
            if len(bar) + len(each) + 2 < self._console.width:
                bar.append(f", {each}")
        return bar

    def published(self, message: Published) -> None:
        """Count a message, and print it if it is one that everybody wants to see."""
        self._counts[type(message)] += 1
        if self._is_over or is_notable(message):
            self._print(line(message), is_unlock=True)

    def finale(self, outcome: Outcome) -> None:
        """Print that nothing is missing, the gateway's buddy, the busiest callers, and how to go on."""
        self._is_over = True
        today = datetime.now(UTC).date()
        sent = outcome.sent
        speed = f"{sent.events:,} events in {outcome.seconds:.0f} s"
        checked = f"{sent.requests.total():,} requests of {len(sent.requests)} callers"
        self.step(f"{speed}; {checked} are counted, exactly those that were sent")
        self._print(Text())
        gateway = scope_view(outcome.gateway, today)
        self._print(
            buddy_panel(gateway.scope, gateway.buddy, min(_PANEL_WIDTH, self._console.width)),
            plain="\n".join(buddy_lines(gateway.buddy)),
        )
        progress = gateway.achievements
        count = f"{len(progress.unlocked)} of {len(progress.unlocked) + len(progress.locked)}"
        self._print(Text(f"  {count} achievements; to reach for: {_to_reach_for(gateway)}", words.QUIET))
        self._print(Text())
        for each in top_callers([scope_view(state, today) for state in outcome.callers]):
            self._print(each)
        self.how_to_go_on()

    def how_to_go_on(self) -> None:
        """Print what to do next. What is published from here on is shown, all of it."""
        self._is_over = True
        self._print(Text())
        for text in self._how_to_go_on:
            self._print(Text(text, no_wrap=True, overflow="ignore"))  # lines to copy stay lines

    def show(self, what: RenderableType, plain: str) -> None:
        """Print something that is made for a terminal, or its plain lines where there is none."""
        self._print(what, plain=plain)

    def save(self, path: Path) -> None:
        """Save what was printed as a picture; of many unlocks only the first and the last."""
        printed = [*self._printed[0], *_shortened(self._printed[1]), *self._printed[2]]
        path.write_text(to_svg(printed, _PICTURE_WIDTH, "streakline demo"), encoding="utf-8")

    def _print(self, what: RenderableType, *, is_unlock: bool = False, plain: str | None = None) -> None:
        """Print: on a terminal an unlock is one line, however narrow; elsewhere all lines are plain."""
        self._printed[1 if is_unlock else 2 if self._is_over else 0].append(what)
        if not self._console.is_terminal:
            self._console.print(what if plain is None else plain, soft_wrap=True)
        elif is_unlock:
            self._console.print(what, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(what)

    def _status(self) -> RenderableType:
        return self._bar or self._spinner


def is_notable(message: Published) -> bool:
    """Say whether a message is shown: nearly all of the gateway's, of a caller's the rare ones."""
    is_gateway = message.scope == GATEWAY
    match message:
        case AchievementUnlocked(achievement_id=name):
            return is_gateway or name in _NOTABLE
        case LevelUp(from_level=before, level=level):
            passed = level // _NOTABLE_LEVELS > before // _NOTABLE_LEVELS
            return passed and (is_gateway or level >= _NOTABLE_CALLER_LEVEL)
        case PetEvolved(species_id=GATEWAY_DRAGON.id, stage_index=index):
            return index >= _NOTABLE_DRAGON  # the stages before come with it
        case PetEvolved(stage_index=index):
            return is_gateway and index > 0
        case _:
            return False


def top_callers(views: Sequence[ScopeView]) -> Iterator[Text]:
    """Return a line for each caller."""
    names = [view.scope.removeprefix("caller:") for view in views]
    widest = max(map(len, names), default=0)
    for name, view in zip(names, views, strict=True):
        buddy = view.buddy
        hatched = any(each.unlocked for each in buddy.unlocked_species)
        yield Text.assemble(
            f"  {words.PET_ICON[buddy.species_id] if hatched else words.EGG_ICON}  ",
            (f"{name:{widest}}", "bold"),
            f"  level {buddy.level:2}  ",
            (f"{buddy.stage:12}", words.RARITY_STYLE[buddy.rarity]),
            f"{buddy.tokens_saved:11,} tokens {words.dollars(buddy.cost_saved):>8}",
            f"  {words.icon('🔥')} {buddy.streak_days}" if buddy.streak_days else "",
        )


def _to_reach_for(view: ScopeView) -> str:
    return ", ".join(f"{words.icon(each.icon).strip()} {each.title}" for each in view.achievements.locked)


def _shortened(unlocks: Sequence[RenderableType]) -> list[RenderableType]:
    """Leave out what is in the middle of many lines, and say how many those are."""
    left_out = len(unlocks) - sum(_IN_PICTURE)
    if left_out <= 1:
        return list(unlocks)
    first, last = _IN_PICTURE
    return [*unlocks[:first], Text(f"  ⋮ {left_out} more lines", words.QUIET), *unlocks[-last:]]
