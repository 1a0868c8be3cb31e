package org.imsg.privsep.rights;

import org.imsg.sys.Abi;

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
}
