"""The one composition root: settings in, a Faust app with all of its agents and stages out."""

from collections.abc import Mapping
from typing import Final

import agents
from app.domain.measures import Measures
from app.domain.published import OUTPUTS
from app.engine.app import App
from app.engine.fold import Stage
from app.settings import Settings
from app.topics import DEAD_LETTERS, FORWARDED, GATEWAY_SHARES, INPUTS, Surroundings, TopicSpec, specs
from tables import gateway, partition
from tables.activity import Activity
from tables.gateway import Gateway
from tables.partition import Partition

POSITIONS: Final = "positions"
GATEWAY_POSITIONS: Final = "gateway-positions"


def stages(settings: Settings, around: Surroundings, activity: Activity | None = None) -> list[Stage]:
    """Return the two stages: callers at home in their partitions, then the gateway merged from its shares."""
    opening = settings.baseline
    outputs = {around.output_topic(output): settings.partitions for output in OUTPUTS}
    passed_on = {around.topic(name): settings.partitions for name in (FORWARDED, DEAD_LETTERS)}
    baseline = Measures(tokens_saved=opening.tokens_saved, cost_saved=opening.cost_saved)
    return [
        Stage(
            name="callers",
            partitions=settings.partitions,
            topics=frozenset(around.topic(name) for name in (*INPUTS, FORWARDED)),
            positions_table=POSITIONS,
            restored=(POSITIONS, *partition.RESTORED),
            written=partition.WRITTEN,
            new_fold=lambda number: Partition(number, around, activity),
            outputs={**outputs, **passed_on, around.topic(GATEWAY_SHARES): 1},
        ),
        Stage(
            name="gateway",
            partitions=1,
            topics=frozenset({around.topic(GATEWAY_SHARES)}),
            positions_table=GATEWAY_POSITIONS,
            restored=(GATEWAY_POSITIONS, *gateway.RESTORED),
            written=gateway.WRITTEN,
            new_fold=lambda _: Gateway(around, baseline, activity),
            outputs=outputs,
        ),
    ]


def tables(settings: Settings) -> Mapping[str, int]:
    """Return the partition count of every table."""
    all_stages = stages(settings, Surroundings.of(settings))
    return {table: stage.partitions for stage in all_stages for table in stage.tables}


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Return what every topic of the deployment must be."""
    return specs(Surroundings.of(settings), tables(settings))


def create_app(settings: Settings, activity: Activity | None = None) -> App:
    """Return the app that folds and counts in ``activity``; it connects to nothing before it is started."""
    around = Surroundings.of(settings)
    app = App(
        around.group_id,
        stages(settings, around, activity or Activity()),
        settings.kafka_options(),
        around.changelog,
        instance_id=settings.instance_id,
        web_enabled=False,
        datadir=str(settings.data_dir / "worker"),
    )
    agents.register(app, around)
    return app
