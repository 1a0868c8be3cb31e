package org.imsg.examples.dhcp;

import java.nio.ByteBuffer;
import java.util.Optional;

/** What a client sends, as a frame to all stations of the link. */
enum Question {
    DISCOVER(1), REQUEST(3), RENEW(3), RELEASE(7);

    private static final byte[] ALL_STATIONS = {-1, -1, -1, -1, -1, -1};
    private static final int ETHERNET = 14;
    private static final int IP = 20;
    private static final int UDP = 8;
    private static final int LENGTH = 300;

    private final int type;

    Question(int type) {
        this.type = type;
    }

    /** A frame from this hardware; all but a discovery are about a lease. */
    ByteBuffer frame(int transaction, byte[] hardware, Optional<Lease> lease) {
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET + IP + UDP + LENGTH);
        frame.put(ALL_STATIONS).put(hardware).putShort((short) 0x0800);
        ip(frame, lease);
        frame.putShort((short) 68).putShort((short) 67).putShort((short) (UDP + LENGTH)).putShort((short) 0);
        message(frame, transaction, hardware, lease);
        return frame.clear();
    }

    private void ip(ByteBuffer frame, Optional<Lease> lease) {
        int start = frame.position();
        frame.put((byte) 0x45).put((byte) 0).putShort((short) (IP + UDP + LENGTH)).putInt(0).put((byte) 64)
                .put((byte) 17).putShort((short) 0).put(own(lease)).putInt(-1);
        int sum = 0;
        for (int at = start; at < start + IP; at += 2)
            sum += frame.getShort(at) & 0xFFFF;
        frame.putShort(start + 10, (short) ~((sum & 0xFFFF) + (sum >> 16)));
    }

    private void message(ByteBuffer frame, int transaction, byte[] hardware, Optional<Lease> lease) {
        int start = frame.position();
        frame.put((byte) 1).put((byte) 1).put((byte) hardware.length).put((byte) 0).putInt(transaction);
        // Answers go to all stations: without an address there is no other way to reach this client.
        frame.putShort((short) 0).putShort((short) 0x8000).put(own(lease)).position(start + 28).put(hardware)
                .position(start + 236).putInt(0x63825363);
        option(frame, 53, (byte) type);
        if (this == REQUEST)
            option(frame, 50, lease.orElseThrow().address().getAddress());
        if (this == REQUEST || this == RELEASE)
            option(frame, 54, lease.orElseThrow().server().getAddress());
        option(frame, 55, (byte) 1, (byte) 3, (byte) 6, (byte) 51);
        frame.put((byte) 255);
    }

    /** The address that this client has already. */
    private byte[] own(Optional<Lease> lease) {
        return this == RENEW || this == RELEASE ? lease.orElseThrow().address().getAddress() : new byte[4];
    }

    private static void option(ByteBuffer frame, int code, byte... value) {
        frame.put((byte) code).put((byte) value.length).put(value);
    }
}
