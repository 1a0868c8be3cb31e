package org.imsg.peers.table;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;

import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.FlexibleArray;
import org.imsg.cstruct.Packed;
import org.imsg.cstruct.SizeT;
import org.imsg.cstruct.U32;
import org.jspecify.annotations.Nullable;

/** The payloads of the table protocol: numbers and strings one after the other, without padding. */
final class TableStructs {
    static final CStruct<Open> OPEN = struct(Open.class);
    static final CStruct<Query> QUERY = struct(Query.class);
    static final CStruct<Fetch> FETCH = struct(Fetch.class);
    static final CStruct<Answer> ANSWER = struct(Answer.class);

    private TableStructs() {}

    @Packed
    record Open(@U32 int version, @CString(2048) String name) {}

    /** @param parameters how many pairs of strings come before the key; smtpd sends none */
    @Packed
    record Query(@U32 int service, @SizeT long parameters, @FlexibleArray String key) {}

    @Packed
    record Fetch(@U32 int service, @SizeT long parameters) {}

    /**
     * @param result 1 found or done, 0 not, -1 an error
     * @param value with its NUL, if there is one
     */
    @Packed
    record Answer(@CInt int result, @FlexibleArray byte[] value) {
        static Answer of(boolean result) {
            return new Answer(result ? 1 : 0, new byte[0]);
        }

        static Answer of(@Nullable String value) {
            return value == null ? of(false) : new Answer(1, (value + "\0").getBytes(StandardCharsets.UTF_8));
        }

        /** As smtpd takes it: it ends for any other. An answer to a check or an update has no text. */
        Answer checked(boolean withText) {
            if (result < -1 || result > 1)
                throw new IllegalArgumentException("its result is " + result + ": -1 to 1");
            if (withText && result == 1 && (value.length == 0 || value[value.length - 1] != 0))
                throw new IllegalArgumentException("its text of " + value.length + " bytes does not end with a NUL");
            return this;
        }

        String text() {
            return new String(value, 0, value.length - 1, StandardCharsets.UTF_8);
        }
    }

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }
}
