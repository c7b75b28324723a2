import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What an event is, by its topic, and which measures it can change: no goal without one of them can be reached by it. */
enum Kind {
    REQUEST("gateway.requests", Measure.REQUESTS, Measure.MODELS, Measure.LONGEST_STREAK),
    CACHE_HIT(
        "gateway.cache-hits", Measure.CACHE_HITS, Measure.SEMANTIC_HITS, Measure.TOKENS_SAVED, Measure.COST_SAVED),
    MCP_CALL("gateway.mcp-calls", Measure.TOKENS_SAVED, Measure.LONGEST_STREAK),
    RACE("gateway.races", Measure.RACES),
    FACT("gateway.facts", Measure.FACTS),
    /** Of the gateway, not of a caller. */
    SUBSCRIPTION("gateway.subscriptions");

    final String topic;
    final Set<Measure> changes = EnumSet.noneOf(Measure.class);

    Kind(String topic, Measure... changes) {
        this.topic = topic;
        this.changes.addAll(Set.of(changes));
    }

    static Map<String, Kind> byTopic(String prefix) {
        Map<String, Kind> kinds = new HashMap<>();
        for (Kind kind : values()) {
            kinds.put(prefix + kind.topic, kind);
        }
        return kinds;
    }
}
