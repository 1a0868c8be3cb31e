package org.imsg.harness.describe;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Kind;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.jspecify.annotations.Nullable;

/** Values as text, and back. */
final class FieldText {
    private FieldText() {}

    static String format(ByteBuffer bytes, FieldPlace place) {
        return switch (place.type()) {
            case Scalar scalar when scalar == CTypes.CHAR -> Words.quoted(new byte[]{bytes.get()});
            case Scalar scalar when scalar == CTypes.BYTE -> hex(bytes);
            case Scalar scalar -> number(bytes.order(scalar.order()), scalar);
            case Text _ -> string(bytes);
            case Raw _ -> hex(bytes);
            case Struct _ -> address(bytes);
            case Array _ -> throw new IllegalStateException("an array has no text of its own");
        };
    }

    /** As JSON: see {@link Grammar#JSON}. */
    static String json(ByteBuffer bytes, FieldPlace place) {
        String text = format(bytes.duplicate(), place);
        if (place.isText())
            return JsonObject.quote(Words.text(text));
        if (!(place.type() instanceof Scalar scalar) || scalar == CTypes.BYTE)
            return JsonObject.quote(text);
        return switch (scalar.kind()) {
            case BOOLEAN -> String.valueOf(!text.equals("0"));
            case FLOATING -> Double.isFinite(Double.parseDouble(text)) ? text : "null";
            case SIGNED, UNSIGNED -> scalar.size() == 8 ? JsonObject.quote(text) : text;
        };
    }

    private static String number(ByteBuffer bytes, Scalar scalar) {
        return switch (scalar.kind()) {
            case UNSIGNED, BOOLEAN -> Long.toUnsignedString(number(bytes, scalar.size(), false));
            case SIGNED -> Long.toString(number(bytes, scalar.size(), true));
            case FLOATING -> scalar.size() == 4 ? Float.toString(bytes.getFloat()) : Double.toString(bytes.getDouble());
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

    /** Up to the NUL: bytes after it are no part of the string, and often were never set. */
    private static String string(ByteBuffer bytes) {
        byte[] all = new byte[bytes.remaining()];
        bytes.get(all);
        int end = 0;
        while (end < all.length && all[end] != 0)
            end++;
        return Words.quoted(Arrays.copyOf(all, end));
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

    /** Quotes around a value mean nothing but that it may have blanks and escapes. */
    static byte[] parse(String value, FieldPlace place) {
        if (place.isText())
            return fitting(Words.bytes(value), place);
        String text = Words.text(value);
        try {
            return switch (place.type()) {
                case Scalar scalar when scalar == CTypes.BYTE -> fitting(HexFormat.of().parseHex(text), place);
                case Scalar scalar when scalar.kind() == Kind.FLOATING -> floating(text, scalar);
                case Scalar scalar -> integer(text, scalar);
                case Text _ -> throw new IllegalStateException("a text is no number");
                case Raw _ -> fitting(HexFormat.of().parseHex(text), place);
                case Struct struct -> literal(text, struct.size());
                case Array _ -> throw new IllegalStateException("an array has no text of its own");
            };
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(place.name() + " is a number, not " + text, e);
        }
    }

    private static byte[] floating(String text, Scalar scalar) {
        ByteBuffer bytes = ByteBuffer.allocate(scalar.size()).order(scalar.order());
        return (scalar.size() == 4
                ? bytes.putFloat(Float.parseFloat(text))
                : bytes.putDouble(Double.parseDouble(text))).array();
    }

    private static byte[] integer(String text, Scalar type) {
        long value = text.startsWith("-") ? Long.decode(text) : parseUnsigned(text);
        int bits = 8 * type.size();
        boolean signed = type.kind() == Kind.SIGNED;
        boolean fits = bits == 64
                || (signed ? value >= -(1L << bits - 1) && value < 1L << bits - 1 : value >>> bits == 0);
        if (!fits)
            throw new IllegalArgumentException(
                    text + " does not fit into " + type.size() + " bytes" + (signed ? " with a sign" : ""));
        ByteBuffer bytes = ByteBuffer.allocate(type.size()).order(type.order());
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

    private static byte[] fitting(byte[] bytes, FieldPlace place) {
        if (place.flexible())
            return bytes;
        if (bytes.length > place.width())
            throw new IllegalArgumentException(
                    place.name() + " has " + place.width() + " bytes, the value " + bytes.length);
        return Arrays.copyOf(bytes, place.width());
    }

    /** An address as digits; a name is not looked up. */
    private static byte[] literal(String text, int size) {
        byte @Nullable [] address = text.matches("[0-9a-fA-F:.]+") ? byName(text) : null;
        if (address == null || address.length != size)
            throw new IllegalArgumentException("an address of " + size + " bytes in digits, not " + text);
        return address;
    }

    private static byte @Nullable [] byName(String text) {
        try {
            return InetAddress.ofLiteral(text).getAddress();
        } catch (IllegalArgumentException _) {
            return null;
        }
    }
}
