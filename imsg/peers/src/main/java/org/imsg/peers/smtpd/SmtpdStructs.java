package org.imsg.peers.smtpd;

import java.lang.invoke.MethodHandles;
import java.util.LinkedHashMap;
import java.util.Map;

import org.imsg.Ibuf;
import org.imsg.cstruct.Align;
import org.imsg.cstruct.Bytes;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.SizeT;
import org.imsg.cstruct.U64;

/** The structs of smtpd's control protocol, the same in all known versions. */
final class SmtpdStructs {
    static final int COUNTER = 0;
    static final CStruct<StatEntry> STAT_ENTRY = struct(StatEntry.class);
    static final CStruct<Counter> COUNTER_VALUE = struct(Counter.class);

    private static final char TEXT = 's';

    private SmtpdStructs() {}

    /**
     * One statistic, and where the next is.
     *
     * @param cursor 0 with the last
     * @param kind 0 for a counter; others are times and texts
     */
    record StatEntry(@U64 long cursor, @CString(1024) String key, @CInt int kind, @Bytes(16) @Align(8) byte[] value) {}

    /** What a union of a statistic is, if it is a counter. */
    record Counter(@SizeT long value) {}

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }

    /** An envelope in a list: not a struct but numbers and a text one after the other. */
    static Envelope getEnvelope(Ibuf payload) {
        int flags = (int) payload.getH32();
        long time = payload.getH64();
        long id = payload.getH64();
        int kind = payload.getN8();
        if (kind != TEXT)
            throw new IllegalArgumentException("an envelope of kind " + kind + ", not '" + TEXT + "'");
        Map<String, String> fields = new LinkedHashMap<>();
        payload.getString(payload.size()).lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0)
                fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
        });
        return new Envelope(id, flags, time, fields);
    }

    static void addEnvelope(Ibuf payload, Envelope envelope) {
        StringBuilder text = new StringBuilder();
        envelope.fields().forEach((name, value) -> text.append(name).append(": ").append(value).append('\n'));
        payload.addH32(Integer.toUnsignedLong(envelope.flags())).addH64(envelope.time()).addH64(envelope.id())
                .addN8(TEXT).add(text.append('\0').toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
}
