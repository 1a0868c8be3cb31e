package org.imsg.examples.packets;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Optional;
import org.imsg.unix.FdChannel;

/** A file as tcpdump -w writes it: pcap, of Ethernet frames, in either byte order. Nothing in it is believed. */
final class CaptureFile {
    /** As many bytes as tcpdump keeps of a frame. */
    static final int LONGEST = 262_144;
    private static final int HEADER = 24, RECORD = 16, LINK_TYPE_AT = 20, ETHERNET = 1;
    private static final int MICROSECONDS = 0xA1B2C3D4, NANOSECONDS = 0xA1B23C4D;

    private final FdChannel file;
    private final ByteOrder order;
    private final int nanosPerUnit;

    /** A frame and when it was seen. */
    record Frame(Instant time, ByteBuffer bytes) {}

    CaptureFile(FdChannel file) throws IOException {
        this.file = file;
        ByteBuffer header = read(HEADER).orElseThrow(() -> new IOException("the capture file is empty"));
        order = isMagic(header.getInt(0)) ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        int magic = header.order(order).getInt(0);
        if (!isMagic(magic))
            throw new IOException(String.format("this is no capture file: it begins with %08x", header.getInt(0)));
        if (header.getInt(LINK_TYPE_AT) != ETHERNET)
            throw new IOException(
                    "the capture has frames of link type " + header.getInt(LINK_TYPE_AT) + ", not Ethernet");
        nanosPerUnit = magic == NANOSECONDS ? 1 : 1000;
    }

    private static boolean isMagic(int number) {
        return number == MICROSECONDS || number == NANOSECONDS;
    }

    /** The next frame, or empty at the end. */
    Optional<Frame> next() throws IOException {
        Optional<ByteBuffer> header = read(RECORD);
        if (header.isEmpty())
            return Optional.empty();
        ByteBuffer record = header.get().order(order);
        Instant time = Instant.ofEpochSecond(Integer.toUnsignedLong(record.getInt()),
                Integer.toUnsignedLong(record.getInt()) * nanosPerUnit);
        int length = record.getInt();
        if (length < 0 || length > LONGEST)
            throw new IOException("a frame of " + Integer.toUnsignedString(length) + " bytes, where " + LONGEST
                    + " is the most");
        return Optional.of(new Frame(time, read(length)
                .orElseThrow(() -> new IOException("the capture ends before a frame of " + length + " bytes"))));
    }

    /** So many bytes, or empty if the file ends before the first. */
    private Optional<ByteBuffer> read(int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining() && file.read(bytes) >= 0) {
            // until all are there
        }
        if (bytes.hasRemaining() && bytes.position() > 0)
            throw new IOException("the capture ends after " + bytes.position() + " of " + length + " bytes");
        return bytes.hasRemaining() ? Optional.empty() : Optional.of(bytes.flip());
    }
}
