package org.imsg.harness.describe;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;

/**
 * What a daemon's messages are called and consist of: a struct description file. Immutable. An example:
 *
 * <pre>
 * # ntpd 7.9, amd64
 * protocol ntpd
 *
 * struct ctl_show_peer {
 *     char   peer_desc[80]
 *     u8     syncedto
 *     u8     weight
 *     u8     trustlevel
 *     u8     stratum
 *     time_t next
 *     time_t poll
 *     f64    offset
 *     f64    delay
 *     f64    jitter
 * }
 *
 * message 11 SHOW_PEERS &gt;
 * message 11 SHOW_PEERS &lt; ctl_show_peer
 * message 12 SHOW_PEERS_END int
 * </pre>
 *
 * Structs, unions, enums and {@code #define} are read as they stand in a header of C. The grammar is {@link Grammar#STRUCTS};
 * {@code imsg help structs} shows it.
 */
public final class ProtocolDescription {
    /** Names nothing. */
    public static final ProtocolDescription NONE = new ProtocolDescription("", Map.of(), List.of());

    private final String name;
    private final Map<String, StructLayout> structs;
    private final List<NamedType> messages;

    ProtocolDescription(String name, Map<String, StructLayout> structs, List<NamedType> messages) {
        this.name = name;
        this.structs = new LinkedHashMap<>(structs);
        this.messages = List.copyOf(messages);
    }

    /**
     * Reads a description.
     *
     * @param file the file
     * @return what it says
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if a line is wrong; the message has its number
     */
    public static ProtocolDescription read(Path file) throws IOException {
        try {
            return parse(TextFile.read(file, TextFile.DESCRIPTION_LINE));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads a description.
     *
     * @param text its lines
     * @return what it says
     * @throws IllegalArgumentException if a line is wrong; the message has its number
     */
    public static ProtocolDescription parse(String text) {
        ProtocolParser parsed = new ProtocolParser(text);
        return new ProtocolDescription(parsed.name(), parsed.structs(), parsed.messages());
    }

    /** {@return the protocol's name, empty if it has none} */
    public String name() {
        return name;
    }

    /**
     * What a type is called.
     *
     * @param type the type
     * @param direction which way the message goes; NONE if that is not known
     * @return its name, empty if it has none
     */
    public String typeName(int type, Direction direction) {
        return messages.stream().filter(message -> message.fits(type, direction)).map(NamedType::name).findFirst()
                .orElse("");
    }

    /**
     * The number of a type.
     *
     * @param typeName its name, or the number itself, decimal or with 0x
     * @return the type
     * @throws IllegalArgumentException if there is no such type
     */
    public int type(String typeName) {
        Optional<Integer> named = messages.stream().filter(message -> message.name().equals(typeName))
                .map(NamedType::type).findFirst();
        try {
            return named.orElseGet(() -> NamedType.number(typeName));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("a type is a number from 0 to 4294967295"
                    + (messages.isEmpty() ? "" : " or one of " + names()) + ", not " + typeName, e);
        }
    }

    private String names() {
        List<String> names = new ArrayList<>();
        for (NamedType message : messages)
            if (!names.contains(message.name()))
                names.add(message.name());
        return String.join(", ", names);
    }

    /**
     * What a message's payload consists of.
     *
     * @param type the type
     * @param direction which way the message goes; NONE if that is not known
     * @return its struct, empty if it has none
     */
    public Optional<StructLayout> payload(int type, Direction direction) {
        return messages.stream().filter(message -> message.fits(type, direction) && message.struct() != null)
                .map(NamedType::struct).findFirst();
    }

    /**
     * What a message's payload consists of.
     *
     * @param message a message
     * @return its struct, empty if it has none
     */
    public Optional<StructLayout> payload(Event message) {
        return payload(message.type(), message.direction());
    }

    /**
     * A struct by its name.
     *
     * @param structName the name
     * @return the struct
     * @throws IllegalArgumentException if none is called so
     */
    public StructLayout struct(String structName) {
        StructLayout struct = structs.get(structName);
        if (struct == null)
            throw new IllegalArgumentException(structs.isEmpty()
                    ? "no structs are described: name a description file"
                    : "no struct is called " + structName + "; described are " + String.join(", ", structs.keySet()));
        return struct;
    }
}
