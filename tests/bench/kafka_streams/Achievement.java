import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** One of the catalog's achievements that a caller can have; all programs of the bench read the same file. */
record Achievement(
        String id, String title, String description, String icon, String category, String measure, long threshold) {

    static List<Achievement> read(File file) throws IOException {
        List<Achievement> catalog = new ArrayList<>();
        for (JsonNode each : new ObjectMapper().readTree(file)) {
            catalog.add(new Achievement(
                each.get("id").asText(), each.get("title").asText(), each.get("description").asText(),
                each.get("icon").asText(), each.get("category").asText(), each.get("measure").asText().intern(),
                each.get("threshold").asLong()));
        }
        return catalog;
    }

    long valueOf(Caller caller) {
        return switch (measure) {
            case "requests" -> caller.requests;
            case "tokens_saved" -> caller.tokens;
            case "cost_saved" -> caller.nanos;
            case "cache_hits" -> caller.hits;
            case "semantic_hits" -> caller.semantic;
            case "models" -> caller.models;
            case "races" -> caller.races;
            case "facts" -> caller.facts;
            case "longest_streak" -> caller.longest;
            default -> throw new IllegalStateException(measure);
        };
    }
}
