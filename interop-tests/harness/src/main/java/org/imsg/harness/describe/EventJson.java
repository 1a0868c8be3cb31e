package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.imsg.harness.record.Event;

/** Events as JSON for programs, an object a line. */
public final class EventJson {
    private final ProtocolDescription protocol;

    /**
     * Writes with the names of a protocol.
     *
     * @param protocol what names are known
     */
    public EventJson(ProtocolDescription protocol) {
        this.protocol = protocol;
    }

    /**
     * An event.
     *
     * @param event what happened
     * @return an object as {@link Grammar#JSON} has it, without a line feed
     */
    public String text(Event event) {
        JsonObject json = new JsonObject();
        json.number("time", String.format(Locale.ROOT, "%.9f", event.nanos() / 1e9));
        json.number("connection", String.valueOf(event.connection()));
        switch (event.direction()) {
            case TO_SERVER -> json.string("direction", "to-server");
            case TO_CLIENT -> json.string("direction", "to-client");
            case NONE -> {
                // a remark has none
            }
        }
        json.string("kind", event.kind().name().toLowerCase(Locale.ROOT));
        if (event.isMessage())
            message(json, event);
        else if (event.bytes().length > 0)
            json.string("bytes", HexFormat.of().formatHex(event.bytes()));
        if (!event.descriptors().isEmpty())
            json.strings("descriptors", event.descriptors());
        if (!event.note().isEmpty())
            json.string("note", event.note());
        String fault = fault(event);
        if (!fault.isEmpty())
            json.string("fault", fault);
        return json.toString();
    }

    private String fault(Event event) {
        if (!event.isMessage())
            return event.kind() == Event.Kind.BYTES ? event.note() : "";
        List<String> faults = new ArrayList<>();
        int came = event.descriptors().size();
        if (event.marked() && came == 0)
            faults.add("a descriptor is announced and has not come");
        if (!event.marked() && came > 0)
            faults.add("a descriptor has come that is not announced");
        if (came > 1)
            faults.add(came + (came < Event.MOST_DESCRIPTORS ? "" : " or more")
                    + " descriptors have come with one message");
        if (event.descriptors().contains("lost"))
            faults.add("a descriptor was lost");
        protocol.payload(event).map(struct -> struct.sizeRemark(event.payload().length)).filter(text -> !text.isEmpty())
                .ifPresent(faults::add);
        return String.join("; ", faults);
    }

    private void message(JsonObject json, Event event) {
        json.number("type", Integer.toUnsignedString(event.type()));
        String name = protocol.typeName(event.type(), event.direction());
        if (!name.isEmpty())
            json.string("name", name);
        byte[] payload = event.payload();
        json.number("id", Integer.toUnsignedString(event.id())).number("pid", Integer.toUnsignedString(event.pid()))
                .number("length", String.valueOf(event.bytes().length))
                .string("format", event.format().name().toLowerCase(Locale.ROOT))
                .number("marked", String.valueOf(event.marked())).string("payload", HexFormat.of().formatHex(payload));
        protocol.payload(event)
                .ifPresent(struct -> json.string("struct", struct.name()).number("fields", struct.json(payload)));
    }
}
