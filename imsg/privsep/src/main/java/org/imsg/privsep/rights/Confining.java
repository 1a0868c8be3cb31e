package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.imsg.privsep.rights.SeccompFilter.Instruction;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;

/** Linux's calls that confine, and the structs they take. Each binds the calling thread only, but where it says otherwise. */
final class Confining {
    static final int PR_GET_DUMPABLE = 3;
    static final int PR_SET_DUMPABLE = 4;
    static final int PR_SET_KEEPCAPS = 8;
    static final int PR_CAPBSET_READ = 23;
    static final int PR_CAPBSET_DROP = 24;
    static final int PR_SET_CHILD_SUBREAPER = 36;
    static final int PR_SET_NO_NEW_PRIVS = 38;
    static final int PR_GET_NO_NEW_PRIVS = 39;
    static final int PR_CAP_AMBIENT = 47;
    static final int PR_CAP_AMBIENT_RAISE = 2;
    static final int SECCOMP_SET_MODE_FILTER = 1;
    static final int SECCOMP_GET_ACTION_AVAIL = 2;
    static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
    private static final int CAPABILITY_VERSION_3 = 0x20080522;

    private Confining() {}

    static int prctl(int option, long argument) {
        return RawSyscall.call(LinuxSyscalls.host().number("prctl"), option, argument);
    }

    /** A struct sock_fprog and the instructions it points to. */
    static MemorySegment filterProgram(Arena arena, List<Instruction> program) {
        MemorySegment instructions = arena.allocate(8L * program.size(), 8);
        for (int i = 0; i < program.size(); i++) {
            Instruction instruction = program.get(i);
            instructions.set(JAVA_SHORT, 8L * i, (short) instruction.code());
            instructions.set(JAVA_BYTE, 8L * i + 2, (byte) instruction.whenTrue());
            instructions.set(JAVA_BYTE, 8L * i + 3, (byte) instruction.whenFalse());
            instructions.set(JAVA_INT, 8L * i + 4, instruction.operand());
        }
        MemorySegment pointer = arena.allocate(16, 8);
        pointer.set(JAVA_SHORT, 0, (short) program.size());
        pointer.set(JAVA_LONG, 8, instructions.address());
        return pointer;
    }

    /** A struct __user_cap_header_struct of the calling thread. */
    static MemorySegment capabilityHeader(Arena arena) {
        MemorySegment header = arena.allocate(8, 4);
        header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
        return header;
    }

    /** Two struct __user_cap_data_struct, with the same capabilities effective, permitted and inheritable. */
    static MemorySegment capabilityData(Arena arena, long mask) {
        MemorySegment data = arena.allocate(24, 4);
        for (int half = 0; half < 2; half++)
            for (int set = 0; set < 3; set++)
                data.set(JAVA_INT, 12L * half + 4L * set, (int) (mask >>> 32 * half));
        return data;
    }

    /** The effective capabilities in such structs. */
    static long effective(MemorySegment data) {
        return Integer.toUnsignedLong(data.get(JAVA_INT, 0)) | (long) data.get(JAVA_INT, 12) << 32;
    }
}
