import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * All goals of a caller: achievements, then the stages of each species. The place of a goal is its bit in what a caller
 * holds. All programs of the bench read the same file.
 */
final class Catalog {
    private final Goal[] goals;
    private final long[] reachable = new long[Kind.values().length];

    Catalog(File file) throws IOException {
        JsonNode from = new ObjectMapper().readTree(file);
        List<Goal> all = new ArrayList<>();
        for (JsonNode each : from.get("achievements")) {
            all.add(new Achievement(each));
        }
        for (JsonNode species : from.get("species")) {
            for (int index = 0; index < species.get("stages").size(); index++) {
                all.add(new Stage(species, index));
            }
        }
        goals = all.toArray(Goal[]::new);
        for (Kind kind : Kind.values()) {
            for (int bit = 0; bit < goals.length; bit++) {
                reachable[kind.ordinal()] |= goals[bit].dependsOn(kind) ? 1L << bit : 0;
            }
        }
    }

    Goal goal(int bit) {
        return goals[bit];
    }

    /** The bits of the goals that an event of this kind can reach. */
    long reachableBy(Kind kind) {
        return reachable[kind.ordinal()];
    }
}
