import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Map;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/** Folds an event into its caller and its caller's day, and forwards what was unlocked by it. */
final class Fold implements Processor<byte[], byte[], byte[], byte[]> {
    static final String CALLERS = "callers";
    static final String DAYS = "days";

    private static final byte[] NOTHING = new byte[24];

    private final Map<String, Kind> kinds;
    private final Catalog catalog;
    private final Messages messages;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], Caller> callers;
    private KeyValueStore<byte[], byte[]> days;

    Fold(String app, String prefix, Catalog catalog) {
        kinds = Kind.byTopic(prefix);
        messages = new Messages(app);
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
        Kind kind = kinds.get(from.topic());
        if (kind == Kind.SUBSCRIPTION) {
            return;
        }
        try {
            Event event = Event.parse(record.value());
            Caller caller = callers.get(record.key());
            if (caller == null) {
                caller = new Caller();
            }
            fold(kind, event, caller, record.key());
            judge(kind, caller, event, record, from);
            callers.put(record.key(), caller);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void fold(Kind kind, Event event, Caller caller, byte[] key) {
        switch (kind) {
            case REQUEST -> {
                caller.requests++;
                caller.addModel(event.model);
                if (caller.addRequested(event.day)) {
                    caller.addActive(event.day);
                }
                addToDay(key, caller, event.day, 1, 0, 0);
            }
            case CACHE_HIT -> {
                caller.hits += event.hits;
                caller.semantic += event.semantic ? event.hits : 0;
                caller.tokens += event.tokensSaved;
                caller.nanos += event.costSaved;
                addToDay(key, caller, event.day, 0, event.tokensSaved, event.costSaved);
            }
            case MCP_CALL -> {
                caller.tokens += event.tokensSaved;
                caller.addActive(event.day);
            }
            case RACE -> caller.races++;
            case FACT -> {
                if (event.superseded) {
                    caller.superseded++;
                } else {
                    caller.facts++;
                }
            }
            default -> throw new IllegalStateException(kind.topic);
        }
    }

    /** A caller keeps the day that it is on: the store of days is asked when that changes, not for every event. */
    private void addToDay(byte[] key, Caller caller, int day, long requests, long tokens, long nanos) {
        if (caller.openDay != day) {
            if (caller.openDay != Caller.NO_DAY) {
                ByteBuffer cell = ByteBuffer.allocate(24);
                cell.putLong(caller.dayRequests).putLong(caller.dayTokens).putLong(caller.dayNanos);
                days.put(keyOf(caller.openDay, key), cell.array());
            }
            byte[] before = days.get(keyOf(day, key));
            ByteBuffer cell = ByteBuffer.wrap(before == null ? NOTHING : before);
            caller.openDay = day;
            caller.dayRequests = cell.getLong();
            caller.dayTokens = cell.getLong();
            caller.dayNanos = cell.getLong();
        }
        caller.dayRequests += requests;
        caller.dayTokens += tokens;
        caller.dayNanos += nanos;
    }

    private static byte[] keyOf(int day, byte[] key) {
        return ByteBuffer.allocate(4 + key.length).putInt(day).put(key).array();
    }

    /** Only goals that the event can reach and that the caller does not hold are looked at: a busy one holds most. */
    private void judge(Kind kind, Caller caller, Event event, Record<byte[], byte[]> record, RecordMetadata from)
            throws IOException {
        for (long open = catalog.reachableBy(kind) & ~caller.held; open != 0; open &= open - 1) {
            Goal goal = catalog.goal(Long.numberOfTrailingZeros(open));
            if (goal.isReachedBy(caller)) {
                caller.held |= Long.lowestOneBit(open);
                context.forward(
                    messages.message(goal.output, goal.what, record, event, from, json -> goal.write(json, caller)),
                    goal.output);
            }
        }
        long xp = caller.xp();
        if (xp >= Caller.pointsOf(caller.level + 1)) {
            int before = caller.level;
            int level = caller.level = (int) Math.sqrt(xp / Caller.pointsOf(1));
            String[] what = {Integer.toString(level)};
            context.forward(
                messages.message(Messages.LEVEL_UP, what, record, event, from, json -> {
                    json.writeNumberField("from_level", before);
                    json.writeNumberField("level", level);
                    json.writeNumberField("xp", xp);
                    json.writeNumberField("xp_for_next_level", Caller.pointsOf(level + 1));
                }),
                Messages.LEVEL_UP);
        }
    }
}
