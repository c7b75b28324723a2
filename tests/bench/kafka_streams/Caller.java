import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * The state of a caller and its bytes: fixed numbers first, then pages of 64 days, then the names of its models.
 * A binary layout of our own, because a generic one (JSON, Avro) costs several times as much, and a state store
 * reads and writes it for every event.
 */
final class Caller {
    static final Serde<Caller> SERDE =
        Serdes.serdeFrom((topic, caller) -> caller == null ? null : caller.encode(),
            (topic, bytes) -> bytes == null ? null : decode(bytes));

    static final int NO_DAY = Integer.MIN_VALUE;

    private static final byte[] NO_MODELS = {};

    long requests;
    long hits;
    long semantic;
    long tokens;
    long nanos;
    long races;
    long facts;
    long superseded;
    /** The bits of the goals that it has reached, as {@link Catalog} numbers them. */
    long held;
    int level = 1;
    int longest;
    int models;
    /** The day of its newest request or hit and what that day has; its row is written when another day begins. */
    int openDay = NO_DAY;
    long dayRequests;
    long dayTokens;
    long dayNanos;
    /** Page p has the days 64 p to 64 p + 63. */
    int[] pages = {};
    long[] active = {};
    long[] requested = {};
    /** Each name with its length before it; never decoded, only compared. */
    byte[] names = NO_MODELS;

    boolean addModel(String model) {
        byte[] name = model.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < names.length; at += 2 + length(at)) {
            if (Arrays.equals(names, at + 2, at + 2 + length(at), name, 0, name.length)) {
                return false;
            }
        }
        int end = names.length;
        names = Arrays.copyOf(names, end + 2 + name.length);
        names[end] = (byte) (name.length >> 8);
        names[end + 1] = (byte) name.length;
        System.arraycopy(name, 0, names, end + 2, name.length);
        models++;
        return true;
    }

    private int length(int at) {
        return (names[at] & 0xFF) << 8 | names[at + 1] & 0xFF;
    }

    boolean addRequested(int day) {
        int page = page(day >> 6);
        long bit = 1L << (day & 63);
        if ((requested[page] & bit) != 0) {
            return false;
        }
        requested[page] |= bit;
        return true;
    }

    boolean addActive(int day) {
        int page = page(day >> 6);
        long bit = 1L << (day & 63);
        if ((active[page] & bit) != 0) {
            return false;
        }
        active[page] |= bit;
        longest = Math.max(longest, runAround(day));
        return true;
    }

    private int runAround(int day) {
        int first = day;
        int last = day;
        while (isActive(first - 1)) {
            first--;
        }
        while (isActive(last + 1)) {
            last++;
        }
        return last - first + 1;
    }

    private boolean isActive(int day) {
        for (int page = 0; page < pages.length; page++) {
            if (pages[page] == day >> 6) {
                return (active[page] >> (day & 63) & 1) != 0;
            }
        }
        return false;
    }

    private int page(int number) {
        for (int page = pages.length - 1; page >= 0; page--) {
            if (pages[page] == number) {
                return page;
            }
        }
        int count = pages.length + 1;
        pages = Arrays.copyOf(pages, count);
        active = Arrays.copyOf(active, count);
        requested = Arrays.copyOf(requested, count);
        pages[count - 1] = number;
        return count - 1;
    }

    long xp() {
        return tokens / 240 + hits * 50 + races * 25 + facts * 10;
    }

    /** With how many points a level begins; but level 1 is everybody's. */
    static long pointsOf(int level) {
        return 53L * level * level;
    }

    byte[] encode() {
        ByteBuffer to = ByteBuffer.allocate(12 * 8 + 5 * 4 + 20 * pages.length + names.length);
        to.putLong(requests).putLong(hits).putLong(semantic).putLong(tokens).putLong(nanos);
        to.putLong(races).putLong(facts).putLong(superseded).putLong(held);
        to.putInt(level).putInt(longest).putInt(models).putInt(pages.length);
        to.putInt(openDay).putLong(dayRequests).putLong(dayTokens).putLong(dayNanos);
        for (int page = 0; page < pages.length; page++) {
            to.putInt(pages[page]).putLong(active[page]).putLong(requested[page]);
        }
        return to.put(names).array();
    }

    static Caller decode(byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes);
        Caller caller = new Caller();
        caller.requests = from.getLong();
        caller.hits = from.getLong();
        caller.semantic = from.getLong();
        caller.tokens = from.getLong();
        caller.nanos = from.getLong();
        caller.races = from.getLong();
        caller.facts = from.getLong();
        caller.superseded = from.getLong();
        caller.held = from.getLong();
        caller.level = from.getInt();
        caller.longest = from.getInt();
        caller.models = from.getInt();
        int count = from.getInt();
        caller.openDay = from.getInt();
        caller.dayRequests = from.getLong();
        caller.dayTokens = from.getLong();
        caller.dayNanos = from.getLong();
        caller.pages = new int[count];
        caller.active = new long[count];
        caller.requested = new long[count];
        for (int page = 0; page < count; page++) {
            caller.pages[page] = from.getInt();
            caller.active[page] = from.getLong();
            caller.requested[page] = from.getLong();
        }
        caller.names = new byte[from.remaining()];
        from.get(caller.names);
        return caller;
    }
}
