"""What `topics create` says of topics that it has just made, while not all brokers know them yet."""

import pytest
from aiokafka.errors import KafkaError

from app import provision
from app.provision import Finding, Provisioner
from app.settings import Settings

RIGHT = [Finding("old", ""), Finding("new", "")]
LATE = [Finding("old", ""), Finding("new", "does not exist")]
WRONG = [Finding("old", "has 1 partitions"), Finding("new", "")]


class Brokers(Provisioner):
    """Brokers that answer one after the other; the last goes on."""

    def __init__(self, *answers: list[Finding] | KafkaError) -> None:
        super().__init__(Settings.from_environ({}))
        self._answers = list(answers)
        self.asked = 0

    async def _findings(self, specs: object) -> list[Finding]:  # noqa: ARG002 - what it overrides has it
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, KafkaError):
            raise answer
        return answer


async def test_a_new_topic_is_asked_for_until_a_broker_knows_it() -> None:
    """A broker that lags behind the controller, or does not know the topic's settings yet, is asked again."""
    brokers = Brokers(LATE, KafkaError("no such topic"), RIGHT)
    assert await brokers.check([], ["new"]) == RIGHT
    assert brokers.asked == 3


async def test_what_is_wrong_with_an_old_topic_is_said_at_once() -> None:
    """Only what was just made may become right by itself."""
    brokers = Brokers(WRONG)
    assert await brokers.check([], ["new"]) == WRONG
    assert await brokers.check([]) == WRONG
    assert brokers.asked == 2


async def test_it_does_not_ask_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic that no broker comes to know is reported, and an error is raised."""
    monkeypatch.setattr(provision, "KNOWN_WITHIN", 0.2)
    assert await Brokers(LATE).check([], ["new"]) == LATE
    with pytest.raises(KafkaError, match="no such topic"):
        await Brokers(KafkaError("no such topic")).check([], ["new"])
