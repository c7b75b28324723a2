import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Map;

/** What a caller reaches once, when it has so much of some measures: an achievement, or a stage of a species. */
abstract class Goal {
    /** The end of what makes its message unique, as in {@link Messages#idOf}. */
    final String[] what;
    final String output;
    private final Measure[] measures;
    private final long[] least;

    Goal(String output, Map<Measure, Long> needs, String... what) {
        this.output = output;
        this.what = what;
        measures = needs.keySet().toArray(Measure[]::new);
        least = needs.values().stream().mapToLong(Long::longValue).toArray();
    }

    final boolean isReachedBy(Caller caller) {
        for (int i = 0; i < measures.length; i++) {
            if (measures[i].of(caller) < least[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether an event of this kind can be the one that reaches it. */
    final boolean dependsOn(Kind kind) {
        for (Measure measure : measures) {
            if (kind.changes.contains(measure)) {
                return true;
            }
        }
        return false;
    }

    /** Writes the fields of its own. */
    abstract void write(JsonGenerator json, Caller caller) throws IOException;
}
