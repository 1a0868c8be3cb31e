package org.imsg.harness.describe;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** Values as text, and back. */
final class FieldText {
    private FieldText() {}

    static String format(ByteBuffer bytes, StructLayout.Place place) {
        FieldType type = place.type();
        if (type.network())
            bytes.order(ByteOrder.BIG_ENDIAN);
        return switch (type.kind()) {
            case UNSIGNED -> Long.toUnsignedString(number(bytes, type.size(), false));
            case SIGNED -> Long.toString(number(bytes, type.size(), true));
            case FLOAT -> type.size() == 4 ? Float.toString(bytes.getFloat()) : Double.toString(bytes.getDouble());
            case CHARACTER -> place.whole() ? string(bytes) : quote(new byte[]{bytes.get()}, 1);
            case BYTE -> hex(bytes);
            case IPV4, IPV6 -> address(bytes);
            case STRUCT -> throw new IllegalStateException("a struct has no text of its own");
        };
    }

    private static long number(ByteBuffer bytes, int size, boolean signed) {
        return switch (size) {
            case 1 -> signed ? bytes.get() : bytes.get() & 0xFF;
            case 2 -> signed ? bytes.getShort() : bytes.getShort() & 0xFFFF;
            case 4 -> signed ? bytes.getInt() : bytes.getInt() & 0xFFFF_FFFFL;
            default -> bytes.getLong();
        };
    }

    /** Up to the NUL: what comes after it is no part of the string, and often was never set. */
    private static String string(ByteBuffer bytes) {
        byte[] all = new byte[bytes.remaining()];
        bytes.get(all);
        int end = 0;
        while (end < all.length && all[end] != 0)
            end++;
        return quote(all, end);
    }

    static String quote(byte[] bytes, int length) {
        StringBuilder text = new StringBuilder("\"");
        for (int i = 0; i < length; i++) {
            byte b = bytes[i];
            if (b == '"' || b == '\\')
                text.append('\\').append((char) b);
            else if (b == '\n')
                text.append("\\n");
            else if (b >= ' ' && b < 127)
                text.append((char) b);
            else
                text.append("\\x").append(HexFormat.of().toHexDigits(b));
        }
        return text.append('"').toString();
    }

    private static String hex(ByteBuffer bytes) {
        byte[] all = new byte[bytes.remaining()];
        bytes.get(all);
        return HexFormat.of().formatHex(all);
    }

    private static String address(ByteBuffer bytes) {
        byte[] all = new byte[bytes.remaining()];
        bytes.get(all);
        try {
            return InetAddress.getByAddress(all).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte[] parse(String text, StructLayout.Place place) {
        FieldType type = place.type();
        try {
            return switch (type.kind()) {
                case UNSIGNED, SIGNED -> integer(text, type);
                case FLOAT -> {
                    ByteBuffer bytes = ByteBuffer.allocate(type.size()).order(ByteOrder.nativeOrder());
                    yield (type.size() == 4
                            ? bytes.putFloat(Float.parseFloat(text))
                            : bytes.putDouble(Double.parseDouble(text))).array();
                }
                case CHARACTER -> fitting(text.getBytes(StandardCharsets.UTF_8), place);
                case BYTE -> fitting(HexFormat.of().parseHex(text), place);
                case IPV4, IPV6 -> literal(text, type.size());
                case STRUCT -> throw new IllegalStateException("a struct has no text of its own");
            };
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(place.name() + " is a number, not " + text, e);
        }
    }

    private static byte[] integer(String text, FieldType type) {
        long value = text.startsWith("-") ? Long.decode(text) : parseUnsigned(text);
        int bits = 8 * type.size();
        boolean signed = type.kind() == FieldType.Kind.SIGNED;
        boolean fits = bits == 64
                || (signed ? value >= -(1L << bits - 1) && value < 1L << bits - 1 : value >>> bits == 0);
        if (!fits)
            throw new IllegalArgumentException(
                    text + " does not fit into " + type.size() + " bytes" + (signed ? " with a sign" : ""));
        ByteBuffer bytes = ByteBuffer.allocate(type.size())
                .order(type.network() ? ByteOrder.BIG_ENDIAN : ByteOrder.nativeOrder());
        switch (type.size()) {
            case 1 -> bytes.put((byte) value);
            case 2 -> bytes.putShort((short) value);
            case 4 -> bytes.putInt((int) value);
            default -> bytes.putLong(value);
        }
        return bytes.array();
    }

    private static long parseUnsigned(String text) {
        return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseUnsignedLong(text);
    }

    private static byte[] fitting(byte[] bytes, StructLayout.Place place) {
        if (place.flexible())
            return bytes;
        if (bytes.length > place.count())
            throw new IllegalArgumentException(
                    place.name() + " has " + place.count() + " bytes, the value " + bytes.length);
        return Arrays.copyOf(bytes, place.count());
    }

    /** An address as digits; a name is not looked up. */
    private static byte[] literal(String text, int size) {
        byte[] address = text.matches("[0-9a-fA-F:.]+") ? byName(text) : null;
        if (address == null || address.length != size)
            throw new IllegalArgumentException("an address of " + size + " bytes in digits, not " + text);
        return address;
    }

    private static byte[] byName(String text) {
        try {
            return InetAddress.ofLiteral(text).getAddress();
        } catch (IllegalArgumentException _) {
            return null;
        }
    }
}
