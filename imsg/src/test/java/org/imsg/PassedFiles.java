package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Credentials;
import org.imsg.sys.Posix;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** Open files that can be told apart by their status flags, to be passed; and a look at the table of this process's descriptors. */
final class PassedFiles implements AutoCloseable {
    private static final int LOOKED_AT = 512;
    private static final int POLLFD_SIZE = 8;
    private static final int EVENTS = Abi.host().value("pollfd.events:offset");
    private static final int REVENTS = Abi.host().value("pollfd.revents:offset");
    private static final int POLLNVAL = 0x20;
    private static final int RLIMIT_NOFILE = 7;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment pollfds = arena.allocate((long) LOOKED_AT * POLLFD_SIZE, 8);
    private final MemorySegment limits = arena.allocate(16, 8);
    private final MemorySegment none = arena.allocate(16, 8);
    private final List<Fd> files = new ArrayList<>();
    private final List<Integer> flags = new ArrayList<>();

    PassedFiles() throws IOException {
        for (OpenFlag access : List.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.READ_WRITE))
            for (int more = 0; more < 4; more++) {
                Fd file = Fd.open(Path.of("/dev/null"), access);
                files.add(file);
                int wanted = ((more & 1) != 0 ? Constants.O_APPEND : 0) | ((more & 2) != 0 ? Constants.O_NONBLOCK : 0);
                assertThat(Posix.fcntl(file.intValue(), Constants.F_SETFL, wanted)).isZero();
                flags.add(Posix.fcntl(file.intValue(), Constants.F_GETFL, 0));
            }
        assertThat(flags).doesNotHaveDuplicates();
        assertThat(Credentials.getrlimit(RLIMIT_NOFILE, limits.address())).isZero();
        none.set(JAVA_LONG, 0, 3);
        none.set(JAVA_LONG, 8, limits.get(JAVA_LONG, 8));
    }

    int count() {
        return files.size();
    }

    /** A descriptor of a file, to be passed. */
    Fd duplicate(int which) throws IOException {
        return files.get(which).dup();
    }

    /** Which file it is. */
    int which(Fd fd) {
        return flags.indexOf(Posix.fcntl(fd.intValue(), Constants.F_GETFL, 0));
    }

    /** From now on no descriptor can be opened or received, until there is room again. */
    void fillTable() {
        assertThat(Credentials.setrlimit(RLIMIT_NOFILE, none.address())).isZero();
    }

    void emptyTable() {
        assertThat(Credentials.setrlimit(RLIMIT_NOFILE, limits.address())).isZero();
    }

    /** Which of the first numbers are open. */
    BitSet open() {
        for (int i = 0; i < LOOKED_AT; i++) {
            pollfds.set(JAVA_INT, (long) i * POLLFD_SIZE, i);
            pollfds.set(JAVA_SHORT, (long) i * POLLFD_SIZE + EVENTS, (short) 0);
        }
        assertThat(Posix.poll(pollfds.address(), LOOKED_AT, 0)).isNotNegative();
        BitSet open = new BitSet(LOOKED_AT);
        for (int i = 0; i < LOOKED_AT; i++)
            open.set(i, (pollfds.get(JAVA_SHORT, (long) i * POLLFD_SIZE + REVENTS) & POLLNVAL) == 0);
        return open;
    }

    @Override
    public void close() {
        files.forEach(Fd::close);
        arena.close();
    }
}
