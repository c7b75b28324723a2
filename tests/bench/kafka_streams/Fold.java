import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/** Folds an event into its caller and its caller's day, and forwards what was unlocked by it. */
final class Fold implements Processor<byte[], byte[], byte[], byte[]> {
    static final String CALLERS = "callers";
    static final String DAYS = "days";
    static final String UNLOCKS = "unlocks";
    static final String LEVELS = "levels";

    private static final JsonFactory JSON = new JsonFactory();

    private final String prefix;
    private final List<Achievement> catalog;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], Caller> callers;
    private KeyValueStore<byte[], byte[]> days;

    Fold(String prefix, List<Achievement> catalog) {
        this.prefix = prefix;
        this.catalog = catalog;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        callers = context.getStateStore(CALLERS);
        days = context.getStateStore(DAYS);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        RecordMetadata from = context.recordMetadata().orElseThrow();
        String topic = from.topic().substring(prefix.length());
        if (topic.equals("gateway.subscriptions")) {
            return; // of the gateway, not of a caller
        }
        try {
            Event event = Event.parse(record.value());
            Caller caller = callers.get(record.key());
            if (caller == null) {
                caller = new Caller();
            }
            switch (topic) {
                case "gateway.requests" -> {
                    caller.requests++;
                    caller.addModel(event.model);
                    if (caller.addRequested(event.day)) {
                        caller.addActive(event.day);
                    }
                    addToDay(record.key(), event.day, 1, 0, 0);
                }
                case "gateway.cache-hits" -> {
                    caller.hits += event.hits;
                    caller.semantic += event.semantic ? event.hits : 0;
                    caller.tokens += event.tokensSaved;
                    caller.nanos += event.costSaved;
                    addToDay(record.key(), event.day, 0, event.tokensSaved, event.costSaved);
                }
                case "gateway.mcp-calls" -> {
                    caller.tokens += event.tokensSaved;
                    caller.addActive(event.day);
                }
                case "gateway.races" -> caller.races++;
                case "gateway.facts" -> {
                    if (event.superseded) {
                        caller.superseded++;
                    } else {
                        caller.facts++;
                    }
                }
                default -> throw new IllegalStateException(topic);
            }
            judge(caller, event, record, from);
            callers.put(record.key(), caller);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void addToDay(byte[] key, int day, long requests, long tokens, long nanos) {
        byte[] dayKey = ByteBuffer.allocate(4 + key.length).putInt(day).put(key).array();
        byte[] before = days.get(dayKey);
        ByteBuffer cell = ByteBuffer.allocate(24);
        if (before == null) {
            cell.putLong(requests).putLong(tokens).putLong(nanos);
        } else {
            ByteBuffer old = ByteBuffer.wrap(before);
            cell.putLong(old.getLong() + requests).putLong(old.getLong() + tokens).putLong(old.getLong() + nanos);
        }
        days.put(dayKey, cell.array());
    }

    private void judge(Caller caller, Event event, Record<byte[], byte[]> record, RecordMetadata from)
            throws IOException {
        for (int i = 0; i < catalog.size(); i++) {
            Achievement each = catalog.get(i);
            if ((caller.held >> i & 1) == 0 && each.valueOf(caller) >= each.threshold()) {
                caller.held |= 1 << i;
                byte[] value = message(each.id(), record.key(), event, from, json -> {
                    json.writeStringField("achievement_id", each.id());
                    json.writeStringField("title", each.title());
                    json.writeStringField("description", each.description());
                    json.writeStringField("icon", each.icon());
                    json.writeStringField("category", each.category());
                    json.writeNumberField("value", each.valueOf(caller));
                    json.writeNumberField("threshold", each.threshold());
                });
                context.forward(record.withValue(value), UNLOCKS);
            }
        }
        long xp = caller.xp();
        int level = Math.max(1, (int) Math.sqrt(xp / 53));
        if (level > caller.level) {
            int before = caller.level;
            caller.level = level;
            byte[] value = message("level/" + level, record.key(), event, from, json -> {
                json.writeNumberField("from_level", before);
                json.writeNumberField("level", level);
                json.writeNumberField("xp", xp);
                json.writeNumberField("xp_for_next_level", (level + 1) * (level + 1) * 53);
            });
            context.forward(record.withValue(value), LEVELS);
        }
    }

    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private static byte[] message(String what, byte[] key, Event event, RecordMetadata from, Fields fields)
            throws IOException {
        String scope = "caller:" + new String(key, StandardCharsets.UTF_8);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("event_id", hash(scope + "/" + what));
            json.writeStringField("scope", scope);
            fields.write(json);
            json.writeStringField("achieved_at", event.createdAt);
            json.writeStringField("recorded_at", Instant.now().toString());
            json.writeObjectFieldStart("cause");
            json.writeStringField("topic", from.topic());
            json.writeNumberField("partition", from.partition());
            json.writeNumberField("offset", from.offset());
            json.writeStringField("id", event.id);
            json.writeEndObject();
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
