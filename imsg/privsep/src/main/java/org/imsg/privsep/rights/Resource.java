package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Abi;
import org.imsg.sys.Credentials;

/** A resource that can be limited for a process: setrlimit(2). */
public enum Resource {
    /** Seconds of processor time. */
    CPU,
    /** Bytes of a file written. */
    FSIZE,
    /** Bytes of private memory that can be written, a JVM's outside of its heap too. */
    DATA,
    /** Bytes of a core dump; 0 for none. */
    CORE,
    /** Processes and threads of the user; too few and the JVM cannot start a thread. */
    NPROC,
    /** Open descriptors, and one more. */
    NOFILE,
    /** Bytes locked in memory. */
    MEMLOCK;

    int number() {
        return Abi.host().value("RLIMIT_" + name());
    }

    /** Bounds a limit by this process's own hard one, which would take a right to raise. */
    long bounded(long limit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = arena.allocate(2 * JAVA_LONG.byteSize(), JAVA_LONG.byteAlignment());
            if (Credentials.getrlimit(number(), own.address()) < 0)
                return limit;
            long hard = own.get(JAVA_LONG, JAVA_LONG.byteSize());
            return Long.compareUnsigned(limit, hard) < 0 ? limit : hard;
        }
    }
}
