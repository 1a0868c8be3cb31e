package org.imsg.bench.worker;

import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.U16;
import org.imsg.cstruct.U32;
import org.imsg.cstruct.U64;
import org.imsg.cstruct.U8;

/**
 * A struct of 64 bytes as daemons put into payloads: numbers of each width, a name, and a hole the compiler leaves.
 *
 * @param first what receivers add up
 * @param port a number of 16 bits
 * @param address of 32
 * @param seconds of 64
 * @param packets another
 * @param octets another
 * @param name at most 31 bytes and a NUL
 */
public record Tick(@U8 int first, @U16 int port, @U32 long address, @U64 long seconds, @U64 long packets,
        @U64 long octets, @CString(32) String name) {
    /** Its codec. */
    public static final CStruct<Tick> STRUCT = CStruct.of(Tick.class);

    /**
     * The one that is sent.
     *
     * @return a record
     */
    public static Tick sample() {
        return new Tick(1, 179, 0x7F00_0001L, 1_750_000_000L, 12_345, 6_789_012, "192.0.2.1");
    }
}
