package org.imsg.privsep.rights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;

/** What systemd listens on for the words of its services: a datagram socket. */
public final class NotifySocket implements AutoCloseable {
    private static final int SOCK_DGRAM = 2;
    private static final int LONGEST = 1000;

    private final Fd fd;

    private NotifySocket(Fd fd) {
        this.fd = fd;
    }

    public static NotifySocket at(UnixAddress address) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            Fd fd = Fd.of(Posix.socket(Constants.AF_UNIX, SOCK_DGRAM | Constants.SOCK_CLOEXEC, 0));
            MemorySegment name = address.toNative(arena);
            int result = Posix.bind(fd.intValue(), name.address(), (int) name.byteSize());
            if (result < 0)
                throw new ErrnoException("bind", address, -result);
            return new NotifySocket(fd);
        }
    }

    /** Waits for the next word. */
    public String receive() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(LONGEST);
            int length = Posix.read(fd.intValue(), buffer.address(), LONGEST);
            return new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
