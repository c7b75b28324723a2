import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** Makes the messages of the contract, with CloudEvents headers in binary mode. For one thread: it reuses its buffers. */
final class Messages {
    static final String ACHIEVEMENT_UNLOCKED = "achievement-unlocked";
    static final String LEVEL_UP = "level-up";
    static final String PET_EVOLVED = "pet-evolved";

    private static final JsonFactory JSON = new JsonFactory();
    private static final Header SPEC_VERSION = header("ce_specversion", "1.0");
    private static final Header CONTENT_TYPE = header("content-type", "application/json");

    interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private final Header source;
    private final Map<String, Header> types = new HashMap<>();
    private final ByteArrayBuilder buffer = new ByteArrayBuilder(1024);
    private final MessageDigest digest;
    private long recordedMs;
    private String recordedAt;

    Messages(String app) {
        source = header("ce_source", "/streakline/" + app);
        for (String output : new String[] {ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED}) {
            types.put(output, header("ce_type", "io.streakline." + output + ".v1"));
        }
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns what is published about something that an event has unlocked: {@code what} makes it unique in its scope. */
    Record<byte[], byte[]> message(
            String output, String[] what, Record<byte[], byte[]> by, Event event, RecordMetadata from, Fields fields)
            throws IOException {
        String scope = "caller:" + new String(by.key(), StandardCharsets.UTF_8);
        String id = idOf(output, scope, what);
        buffer.reset();
        try (JsonGenerator json = JSON.createGenerator(buffer)) {
            json.writeStartObject();
            json.writeStringField("event_id", id);
            json.writeStringField("scope", scope);
            fields.write(json);
            json.writeStringField("achieved_at", event.createdAt);
            json.writeStringField("recorded_at", now());
            json.writeObjectFieldStart("cause");
            json.writeStringField("topic", from.topic());
            json.writeNumberField("partition", from.partition());
            json.writeNumberField("offset", from.offset());
            json.writeStringField("id", event.id);
            json.writeEndObject();
            json.writeEndObject();
        }
        byte[] key = bytes(scope);
        Header[] headers = {
            SPEC_VERSION, header("ce_id", id), source, types.get(output), header("ce_time", event.createdAt),
            new RecordHeader("ce_subject", key), CONTENT_TYPE,
        };
        return new Record<>(key, buffer.toByteArray(), by.timestamp(), new RecordHeaders(headers));
    }

    /** A hash of what makes a message unique, as a JSON array. */
    private String idOf(String output, String scope, String[] what) {
        StringBuilder unique = new StringBuilder("[\"").append(output).append("\",\"");
        JsonStringEncoder.getInstance().quoteAsString(scope, unique);
        for (String each : what) {
            unique.append("\",\"").append(each);
        }
        return HexFormat.of().formatHex(digest.digest(bytes(unique.append("\"]").toString())), 0, 16);
    }

    /** Many messages are made in a millisecond: its text is made once. */
    private String now() {
        long ms = System.currentTimeMillis();
        if (ms != recordedMs) {
            recordedMs = ms;
            recordedAt = Instant.ofEpochMilli(ms).toString();
        }
        return recordedAt;
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, bytes(value));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
