import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** What a fold needs of an event, read with Jackson's streaming parser: no tree, no reflection, no field more than needed. */
final class Event {
    private static final JsonFactory JSON = new JsonFactory();
    private static final BigDecimal NANOS = BigDecimal.valueOf(1_000_000_000L);

    String id;
    String model;
    String createdAt;
    boolean semantic;
    boolean superseded;
    long tokensSaved;
    long costSaved;
    long hits = 1;
    int day;

    private static String dayText;
    private static int dayNumber;

    static Event parse(byte[] value) throws IOException {
        Event event = new Event();
        try (JsonParser json = JSON.createParser(value)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not an object");
            }
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                JsonToken token = json.nextToken();
                switch (name) {
                    case "request_id", "hit_id", "call_id", "fact_id", "subscription_id" -> event.id = json.getText();
                    case "model" -> event.model = json.getText();
                    case "created_at" -> event.createdAt = json.getText();
                    case "kind" -> event.semantic = "semantic".equals(json.getText());
                    case "superseded_by" -> event.superseded = token != JsonToken.VALUE_NULL;
                    case "tokens_saved" -> event.tokensSaved = json.getLongValue();
                    case "cost_saved" -> event.costSaved =
                        new BigDecimal(json.getText()).multiply(NANOS).longValueExact();
                    case "hits" -> event.hits = json.getLongValue();
                    default -> json.skipChildren();
                }
            }
        }
        event.day = dayOf(event.createdAt);
        return event;
    }

    /** One thread folds, and events of a day come together: the day is parsed when its text changes. */
    private static int dayOf(String at) {
        if (!at.endsWith("Z")) {
            return (int) OffsetDateTime.parse(at).withOffsetSameInstant(ZoneOffset.UTC).toLocalDate().toEpochDay();
        }
        if (dayText == null || !at.startsWith(dayText)) {
            dayText = at.substring(0, 10);
            dayNumber = (int) LocalDate.parse(dayText).toEpochDay();
        }
        return dayNumber;
    }
}
