package org.imsg.privsep.ops;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.TruncatedMessageException;

/** Writes the strings and lists of the {@link OperationProtocol}, and reads fields without trust. */
final class Fields {
    private static final int LONGEST = 0xFFFF;

    private final Ibuf unread;

    private Fields(Ibuf unread) {
        this.unread = unread;
    }

    static Fields of(Imsg message) {
        return new Fields(Ibuf.fromBuffer(message.payload()));
    }

    /** Reads the fields that every request begins with; returns its deadline. */
    Duration head() throws MalformedRequestException {
        int version = n8("version");
        if (version != OperationProtocol.VERSION)
            throw new MalformedRequestException("the version is " + OperationProtocol.VERSION + ", not " + version);
        return Duration.ofMillis(Integer.toUnsignedLong(n32("deadline")));
    }

    static Ibuf addString(Ibuf payload, String string) {
        byte[] bytes = string.getBytes(UTF_8);
        if (bytes.length > LONGEST)
            throw new IllegalArgumentException("a string has at most " + LONGEST + " bytes, this one " + bytes.length);
        if (string.indexOf('\0') >= 0)
            throw new IllegalArgumentException("there is a NUL at index " + string.indexOf('\0') + " of a string");
        return payload.addN16(bytes.length).add(bytes);
    }

    static Ibuf addList(Ibuf payload, List<String> list) {
        if (list.size() > LONGEST)
            throw new IllegalArgumentException("a list has at most " + LONGEST + " strings, this one " + list.size());
        payload.addN16(list.size());
        list.forEach(string -> addString(payload, string));
        return payload;
    }

    int n8(String name) throws MalformedRequestException {
        return (int) number(name, 1);
    }

    int n16(String name) throws MalformedRequestException {
        return (int) number(name, 2);
    }

    /** Reads 32 bits; an unsigned number comes as the int with the same bits. */
    int n32(String name) throws MalformedRequestException {
        return (int) number(name, 4);
    }

    long n64(String name) throws MalformedRequestException {
        return number(name, 8);
    }

    /** Reads the number of one of the values. */
    <T> T oneOf(String name, T[] values) throws MalformedRequestException {
        int number = n8(name);
        if (number >= values.length)
            throw new MalformedRequestException(name + " is 0 to " + (values.length - 1) + ", not " + number);
        return values[number];
    }

    boolean truth(String name) throws MalformedRequestException {
        return oneOf(name, new Boolean[]{false, true});
    }

    String string(String name) throws MalformedRequestException {
        byte[] bytes = bytes(name, n16(name));
        for (byte each : bytes)
            if (each == 0)
                throw new MalformedRequestException("there is a NUL in " + name);
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException _) {
            throw new MalformedRequestException(name + " is not UTF-8");
        }
    }

    List<String> list(String name) throws MalformedRequestException {
        int count = n16(name);
        List<String> list = new ArrayList<>();
        for (int i = 0; i < count; i++)
            list.add(string(name));
        return list;
    }

    void end() throws MalformedRequestException {
        if (unread.size() > 0)
            throw new MalformedRequestException(unread.size() + " bytes follow the last field");
    }

    private long number(String name, int width) throws MalformedRequestException {
        long number = 0;
        for (byte each : bytes(name, width))
            number = number << 8 | each & 0xFF;
        return number;
    }

    private byte[] bytes(String name, int count) throws MalformedRequestException {
        try {
            return unread.get(count);
        } catch (TruncatedMessageException _) {
            throw new MalformedRequestException(
                    name + " needs " + count + " bytes, and " + unread.size() + " are left");
        }
    }
}
