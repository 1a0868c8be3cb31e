package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/** Messages as bytes on the wire, made without the code under test. */
final class Messages {
    static final int PID = 4711;

    private Messages() {}

    static byte[] plain(int type, int id, String payload) {
        return encoded(Dialect.MODERN, type, id, payload, false);
    }

    static byte[] marked(int type, int id, String payload) {
        return encoded(Dialect.MODERN, type, id, payload, true);
    }

    static byte[] encoded(Dialect dialect, int type, int id, String payload, boolean marked) {
        byte[] text = payload.getBytes(StandardCharsets.ISO_8859_1);
        byte[] message = new byte[ImsgHeader.SIZE + text.length];
        ImsgHeader.write(MemorySegment.ofArray(message), 0, dialect, type, message.length, marked, id, PID);
        System.arraycopy(text, 0, message, ImsgHeader.SIZE, text.length);
        return message;
    }

    static ByteBuf join(byte[]... messages) {
        return Unpooled.wrappedBuffer(messages);
    }

    static String text(ImsgMessage message) {
        return message.content().toString(StandardCharsets.ISO_8859_1);
    }
}
