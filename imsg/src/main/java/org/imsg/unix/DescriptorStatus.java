package org.imsg.unix;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;

/** What fstat(2) tells of a descriptor, as far as it is needed here. */
record DescriptorStatus(long device, long inode, int mode) {
    /** The status of a descriptor that is not open. */
    private static final DescriptorStatus UNKNOWN = new DescriptorStatus(-1, -1, 0);

    static DescriptorStatus of(int fd) {
        Abi abi = Abi.host();
        int size = abi.value("stat:size", 0);
        if (size == 0)
            return ofProc(fd);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(size, 8);
            if (Posix.fstat(fd, stat.address()) < 0)
                return UNKNOWN;
            int deviceAt = abi.value("stat.st_dev:offset");
            int modeAt = abi.value("stat.st_mode:offset");
            return new DescriptorStatus(
                    abi.value("stat.st_dev:width") == 8 ? stat.get(JAVA_LONG, deviceAt) : stat.get(JAVA_INT, deviceAt),
                    stat.get(JAVA_LONG, abi.value("stat.st_ino:offset")),
                    abi.value("stat.st_mode:width") == 4
                            ? stat.get(JAVA_INT, modeAt)
                            : stat.get(JAVA_SHORT, modeAt) & 0xFFFF);
        }
    }

    /** The same by Linux's /proc, for machines whose struct stat is not known here. */
    static DescriptorStatus ofProc(int fd) {
        try {
            var attributes = Files.readAttributes(Path.of("/proc/self/fd", Integer.toString(fd)), "unix:dev,ino,mode");
            return new DescriptorStatus((long) attributes.get("dev"), (long) attributes.get("ino"),
                    (int) attributes.get("mode"));
        } catch (IOException | UnsupportedOperationException _) {
            return UNKNOWN;
        }
    }

    boolean isRegular() {
        return is(Constants.S_IFREG);
    }

    boolean isSocket() {
        return is(Constants.S_IFSOCK);
    }

    boolean isDirectory() {
        return is(Constants.S_IFDIR);
    }

    boolean isFile(long ofDevice, long ofInode) {
        return device == ofDevice && inode == ofInode;
    }

    private boolean is(int kind) {
        return (mode & Constants.S_IFMT) == kind;
    }
}
