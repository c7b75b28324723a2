import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Map;

/** One of the achievements that a caller can have. Money is in nano-dollars here, and published in dollars. */
final class Achievement extends Goal {
    private static final double NANOS = 1e9;

    private final String id;
    private final String title;
    private final String description;
    private final String icon;
    private final String category;
    private final Measure measure;
    private final long threshold;

    Achievement(JsonNode from) {
        this(from, Measure.valueOf(from.get("measure").asText().toUpperCase()), from.get("threshold").asLong());
    }

    private Achievement(JsonNode from, Measure measure, long threshold) {
        super(Messages.ACHIEVEMENT_UNLOCKED, Map.of(measure, threshold), from.get("id").asText());
        this.measure = measure;
        this.threshold = threshold;
        id = from.get("id").asText();
        title = from.get("title").asText();
        description = from.get("description").asText();
        icon = from.get("icon").asText();
        category = from.get("category").asText();
    }

    @Override
    void write(JsonGenerator json, Caller caller) throws IOException {
        json.writeStringField("achievement_id", id);
        json.writeStringField("title", title);
        json.writeStringField("description", description);
        json.writeStringField("icon", icon);
        json.writeStringField("category", category);
        if (measure == Measure.COST_SAVED) {
            json.writeNumberField("value", measure.of(caller) / NANOS);
            json.writeNumberField("threshold", threshold / NANOS);
        } else {
            json.writeNumberField("value", measure.of(caller));
            json.writeNumberField("threshold", threshold);
        }
    }
}
