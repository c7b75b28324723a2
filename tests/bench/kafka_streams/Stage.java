import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;

/** A stage of a species, reached with what unlocks the species and the tokens of the stage. */
final class Stage extends Goal {
    private final String id;
    private final String species;
    private final String rarity;
    private final String name;
    private final int index;

    Stage(JsonNode from, int index) {
        super(
            Messages.PET_EVOLVED, needs(from.get("requirements"), from.get("stages").get(index)),
            from.get("id").asText(), Integer.toString(index));
        this.index = index;
        id = from.get("id").asText();
        species = from.get("name").asText();
        rarity = from.get("rarity").asText();
        name = from.get("stages").get(index).get("name").asText();
    }

    private static Map<Measure, Long> needs(JsonNode requirements, JsonNode stage) {
        Map<Measure, Long> needs = new EnumMap<>(Measure.class);
        needs.put(Measure.TOKENS_SAVED, stage.get("tokens_saved").asLong());
        for (JsonNode each : requirements) {
            Measure measure = Measure.valueOf(each.get("measure").asText().toUpperCase());
            needs.merge(measure, each.get("threshold").asLong(), Math::max);
        }
        return needs;
    }

    @Override
    void write(JsonGenerator json, Caller caller) throws IOException {
        json.writeStringField("species_id", id);
        json.writeStringField("species", species);
        json.writeStringField("rarity", rarity);
        json.writeStringField("stage", name);
        json.writeNumberField("stage_index", index);
    }
}
