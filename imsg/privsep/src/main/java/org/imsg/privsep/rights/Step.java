package org.imsg.privsep.rights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;

/**
 * One thing a thread does to give up rights, prepared so far that only system calls are left: the thread may not be able to load
 * a class, read a file or look up a path any more.
 */
sealed interface Step {
    /** The name a failure is reported by: mostly the call's. */
    String name();

    /** The thing it is done to, for the report. */
    Object on();

    /** Does it; the negative errno if it fails. */
    int run(MemorySegment errno);

    /** A call whose arguments are all known; addresses among them belong to an arena that outlives the thread. */
    record Call(String name, Object on, int number, long a, long b, long c, long d, long e) implements Step {
        static Call of(String name, Object on, long... arguments) {
            long[] five = Arrays.copyOf(arguments, 5);
            return new Call(name, on, LinuxSyscalls.host().number(name), five[0], five[1], five[2], five[3], five[4]);
        }

        @Override
        public int run(MemorySegment errno) {
            return RawSyscall.call(errno, number, a, b, c, d, e, 0);
        }
    }

    /** As another step, but some errors are no failure: the thing is there already, or is not needed. */
    record Unless(Step step, List<Integer> harmless) implements Step {
        Unless(Step step, Integer... harmless) {
            this(step, List.of(harmless));
        }

        @Override
        public String name() {
            return step.name();
        }

        @Override
        public Object on() {
            return step.on();
        }

        @Override
        public int run(MemorySegment errno) {
            int result = step.run(errno);
            return result < 0 && harmless.contains(-result) ? 0 : result;
        }
    }

    /** Allows rights beneath a path in a Landlock ruleset; the path is looked up in the thread's root at that time. */
    record Unveil(Path on, MemorySegment path, int ruleset, long inDirectory, long onFile, MemorySegment rule,
            int open,
            int close) implements Step {
        private static final int AT_FDCWD = -100;
        private static final int O_PATH = 0x200000;

        static Unveil of(Arena arena, Path path, int ruleset, long inDirectory, long onFile) {
            return new Unveil(path, NativeString.of(path, arena), ruleset, inDirectory, onFile, arena.allocate(16, 8),
                    LinuxSyscalls.host().number("openat"), LinuxSyscalls.host().number("close"));
        }

        @Override
        public String name() {
            return "unveil";
        }

        @Override
        public int run(MemorySegment errno) {
            int fd = RawSyscall.call(errno, open, AT_FDCWD, path.address(), O_PATH | Constants.O_CLOEXEC);
            if (fd < 0)
                return fd;
            int result = Landlock.allow(errno, rule, ruleset, fd, inDirectory);
            // It is a file, on which a directory's rights are an error.
            if (result == -Constants.EINVAL)
                result = Landlock.allow(errno, rule, ruleset, fd, onFile);
            RawSyscall.call(errno, close, fd, 0, 0);
            return result;
        }
    }
}
