"""gateway.mcp-calls: the tokens that MCP calls saved, and the days on which they were made."""

from app.domain.counted import Counted
from app.domain.events import McpCalled
from tables.partition import EventFold, Partition
from tables.scope import Scope


class McpCalls(EventFold):
    """Counts MCP calls."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:
        """Count the call for its caller, if it has one, and for the share."""
        partition.share.add_mcp_call(event.tokens_saved, event.day)
        if caller is not None:
            caller.add_mcp_call(event.tokens_saved, event.day)


MCP_CALLS = McpCalls(McpCalled)
