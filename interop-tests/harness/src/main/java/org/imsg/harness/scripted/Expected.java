package org.imsg.harness.scripted;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.imsg.harness.describe.StructLayout;
import org.imsg.harness.record.Event;

/** What a message must be like. Immutable: each method gives a stricter one. */
public final class Expected {
    private static final Expected ANY = new Expected(List.of());

    private final List<Condition> conditions;

    private record Condition(String words, Predicate<Event> holds) {}

    private Expected(List<Condition> conditions) {
        this.conditions = conditions;
    }

    /**
     * Any message.
     *
     * @return what every message is
     */
    public static Expected message() {
        return ANY;
    }

    /**
     * A message of a type.
     *
     * @param type the type
     * @return what such a message is
     */
    public static Expected type(int type) {
        return ANY.and("type " + Integer.toUnsignedString(type), event -> event.type() == type);
    }

    /**
     * With an id.
     *
     * @param id the peerid
     * @return the stricter one
     */
    public Expected id(int id) {
        return and("id " + Integer.toUnsignedString(id), event -> event.id() == id);
    }

    /**
     * With a payload.
     *
     * @param payload all its bytes
     * @return the stricter one
     */
    public Expected payload(byte[] payload) {
        return and("payload of these " + payload.length + " bytes", event -> Arrays.equals(event.payload(), payload));
    }

    /**
     * With a payload that holds a condition.
     *
     * @param words the condition in words, for the failure
     * @param holds the condition
     * @return the stricter one
     */
    public Expected payload(String words, Predicate<byte[]> holds) {
        return and("payload " + words, event -> holds.test(event.payload()));
    }

    /**
     * With a struct as payload whose fields have values.
     *
     * @param struct the struct
     * @param fields the values by field name, written as {@link StructLayout#values(byte[])} writes them
     * @return the stricter one
     */
    public Expected struct(StructLayout struct, Map<String, String> fields) {
        return and("struct " + struct.name() + " " + fields, event -> {
            byte[] payload = event.payload();
            Map<String, String> values = struct.values(payload).stream()
                    .collect(Collectors.toMap(StructLayout.Value::name, StructLayout.Value::text));
            return struct.sizeRemark(payload.length).isEmpty()
                    && fields.entrySet().stream()
                            .allMatch(field -> field.getValue().equals(values.get(field.getKey())));
        });
    }

    /**
     * With a descriptor that is announced and has come.
     *
     * @return the stricter one
     */
    public Expected withDescriptor() {
        return and("with a descriptor", event -> event.marked() && event.descriptors().size() == 1);
    }

    /**
     * Without a descriptor, announced or not.
     *
     * @return the stricter one
     */
    public Expected withoutDescriptor() {
        return and("without a descriptor", event -> !event.marked() && event.descriptors().isEmpty());
    }

    private Expected and(String words, Predicate<Event> holds) {
        List<Condition> more = new ArrayList<>(conditions);
        more.add(new Condition(words, holds));
        return new Expected(List.copyOf(more));
    }

    boolean matches(Event event) {
        return event.isMessage() && conditions.stream().allMatch(condition -> condition.holds.test(event));
    }

    /** The conditions that a message does not hold. */
    List<String> broken(Event event) {
        if (!event.isMessage())
            return List.of("a message");
        return conditions.stream().filter(condition -> !condition.holds.test(event)).map(Condition::words).toList();
    }

    @Override
    public String toString() {
        return conditions.isEmpty()
                ? "any message"
                : String.join(", ", conditions.stream().map(Condition::words).toList());
    }
}
