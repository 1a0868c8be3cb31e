package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One sendmsg(2) of Linux with as many descriptors as one likes: what no peer should do, and some could. */
public final class RawSend {
    private static final int MSGHDR = 56;
    private static final int CMSGHDR = 16;

    private RawSend() {}

    public static int send(int socket, byte[] bytes, int... descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment iovec = arena.allocate(16, 8);
            iovec.set(JAVA_LONG, 0, arena.allocateFrom(JAVA_BYTE, bytes).address());
            iovec.set(JAVA_LONG, 8, bytes.length);
            MemorySegment msghdr = arena.allocate(MSGHDR, 8);
            msghdr.set(JAVA_LONG, 16, iovec.address());
            msghdr.set(JAVA_LONG, 24, 1);
            if (descriptors.length > 0) {
                MemorySegment cmsg = arena.allocate(CMSGHDR + 4L * descriptors.length + 4, 8);
                cmsg.set(JAVA_LONG, 0, CMSGHDR + 4L * descriptors.length);
                cmsg.set(JAVA_INT, 8, Constants.SOL_SOCKET);
                cmsg.set(JAVA_INT, 12, Constants.SCM_RIGHTS);
                MemorySegment.copy(descriptors, 0, cmsg, JAVA_INT, CMSGHDR, descriptors.length);
                msghdr.set(JAVA_LONG, 32, cmsg.address());
                msghdr.set(JAVA_LONG, 40, cmsg.byteSize() / 8 * 8);
            }
            return Posix.sendmsg(Posix.errnoSegment(arena), socket, msghdr.address(), Constants.MSG_NOSIGNAL);
        }
    }
}
