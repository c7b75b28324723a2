"""gateway.mcp-calls: the tokens that MCP calls saved, and the days on which they were made."""

from app.domain.events import McpCalled
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: McpCalled, day: int, caller: Scope | None, partition: Partition) -> None:
    """Count the call for its caller, if it has one, and for the share."""
    for scope in partition.scopes(caller):
        scope.add_mcp_call(event.tokens_saved or 0, day)


MCP_CALLS = EventFold(McpCalled, fold)
