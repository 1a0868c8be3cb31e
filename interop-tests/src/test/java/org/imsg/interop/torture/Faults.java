package org.imsg.interop.torture;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The faults that the injector makes in this process: its struct faults, in a file that both map. */
final class Faults {
    /** The file; the injector's own variable. */
    static final String VARIABLE = "IMSG_FAULTS";
    static final int SHORT = -1, WITHOUT_ROOM = -2;

    /** In the injector's order. */
    static final List<String> CALLS = List.of("accept", "accept4", "bind", "chdir", "close", "connect", "dup2", "dup3",
            "epoll_create1", "epoll_ctl", "epoll_wait", "eventfd", "fchmod", "fchown", "fchownat", "fcntl", "fdopendir",
            "flock", "fstat", "fstatat", "ftruncate", "getsockname", "getsockopt", "kill", "listen", "open", "openat",
            "pipe",
            "pipe2", "poll", "posix_spawn", "pread", "pwrite", "read", "readdir", "recv", "recvmsg", "renameat",
            "send", "sendmsg",
            "setrlimit", "setsockopt", "shutdown", "socket", "socketpair", "syscall", "unlinkat", "waitid", "waitpid",
            "write");

    private static final int CALL = 0, TIME = 1, HOW = 2, FAILED = 3, MADE = 4;
    static final int BYTES = (MADE + CALLS.size()) * Integer.BYTES;

    private final IntBuffer shared;

    private Faults(IntBuffer shared) {
        this.shared = shared;
        disarm();
    }

    static Faults ofThisProcess() throws IOException {
        Path file = Path.of(System.getenv(VARIABLE));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new Faults(channel.map(MapMode.READ_WRITE, 0, BYTES).order(ByteOrder.nativeOrder()).asIntBuffer());
        }
    }

    /** From now on the call fails at that time, counted from 1. */
    void arm(int call, int time, int how) {
        disarm();
        shared.put(TIME, time).put(HOW, how).put(CALL, call);
    }

    void disarm() {
        shared.put(CALL, -1).put(FAILED, 0);
        for (int i = 0; i < CALLS.size(); i++)
            shared.put(MADE + i, 0);
    }

    /** How often a call was made since the last change. */
    int made(int call) {
        return shared.get(MADE + call);
    }

    /** Whether the fault that was armed has happened. */
    boolean happened() {
        return shared.get(FAILED) > 0;
    }
}
