/** What goals are decided on: a number of a caller that never falls. The constants are named as in the catalog. */
enum Measure {
    REQUESTS,
    TOKENS_SAVED,
    COST_SAVED,
    CACHE_HITS,
    SEMANTIC_HITS,
    MODELS,
    RACES,
    FACTS,
    LONGEST_STREAK;

    long of(Caller caller) {
        return switch (this) {
            case REQUESTS -> caller.requests;
            case TOKENS_SAVED -> caller.tokens;
            case COST_SAVED -> caller.nanos;
            case CACHE_HITS -> caller.hits;
            case SEMANTIC_HITS -> caller.semantic;
            case MODELS -> caller.models;
            case RACES -> caller.races;
            case FACTS -> caller.facts;
            case LONGEST_STREAK -> caller.longest;
        };
    }
}
