package org.imsg;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/**
 * Started by {@link ScarcityTest} in a JVM of its own: makes each call with less memory or stack than it needs, and with a
 * little more each time until it succeeds. Prints what a failed one has left behind or done wrong.
 */
public final class Scarcity {
    private static final int BYTES = 24;
    private static final int MOST_STEPS = 2000;
    /** How many attempts before the first that succeeds are looked at: the others fail before anything is done. */
    private static final int WINDOW = 96;
    private static final Path NOTHING = Path.of("/dev/null");

    /** Something that may run out of memory or stack in the middle. What it opens it keeps. */
    @FunctionalInterface
    private interface Attempt {
        void make() throws Exception;

        /** Makes ready, while there is enough of everything, the things the call needs. */
        default void prepare() throws Exception {
            // nothing
        }

        /** Looks at the state a failed attempt has left, or a successful one. */
        default void verify(boolean failed) throws Exception {
            // nothing
        }
    }

    private static final Object[] opened = new Object[8];
    private static int openedCount;
    private static Path directory;
    private static UnixListener listener;
    private static Object[] heap;
    private static byte[] ballast;
    private static int depth;

    private Scarcity() {}

    /** Takes {@code memory} or {@code stack}, and the name of one call if it is to be that only. */
    public static void main(String[] arguments) throws Exception {
        directory = Files.createTempDirectory("imsg");
        boolean memory = arguments[0].equals("memory");
        for (Map.Entry<String, Attempt> call : calls().entrySet())
            if (arguments.length == 1 || call.getKey().equals(arguments[1]))
                tryOut(call.getKey(), call.getValue(), memory);
        listener.close();
        Files.delete(directory);
    }

    private static Map<String, Attempt> calls() throws Exception {
        Map<String, Attempt> calls = new LinkedHashMap<>();
        Fd file = Fd.open(NOTHING);
        UnixAddress address = UnixAddress.of(directory.resolve("s"));
        Path free = directory.resolve("free");
        listener = UnixListener.at(address).listen();
        calls.put("open", () -> keep(Fd.open(NOTHING)));
        calls.put("dup and move", () -> {
            Fd dup = file.dup();
            keep(dup);
            keep(dup.move());
        });
        calls.put("pipe", () -> keep(Fd.pipe()));
        calls.put("pair", () -> keep(ImsgChannel.pair()));
        calls.put("channels", () -> {
            Fd.Pair pair = Fd.socketpair();
            keep(pair);
            keep(new FdChannel(pair.first()));
            keep(ImsgChannel.of(pair.second()));
        });
        calls.put("connect", () -> keep(Sockets.connect(address, Duration.ofMillis(1))));
        calls.put("accept", new Attempt() {
            private final Fd listening = UnixListener.at(UnixAddress.ofAbstract("imsg-" + directory)).listen().handOn();

            @Override
            public void prepare() throws IOException {
                keep(Sockets.connect(UnixAddress.ofAbstract("imsg-" + directory)));
            }

            @Override
            public void make() throws IOException {
                keep(Sockets.accept(listening));
            }

            @Override
            public void verify(boolean failed) throws IOException {
                for (Fd left; (left = Sockets.accept(listening)) != null;)
                    left.close();
            }
        });
        calls.put("listen", () -> keep(ImsgListener.listen(free)));
        calls.put("child", () -> {
            if (Child.of(Path.of("/bin/true")).start().waitFor(Duration.ofSeconds(20)).isEmpty())
                throw new IllegalStateException("the end of a child was not seen");
        });
        calls.put("send", new Passing() {
            @Override
            public void make() throws IOException {
                ends.first().send(message);
            }

            @Override
            public void verify(boolean failed) throws IOException {
                if (failed)
                    ends.first().send(message);
                expectMessage();
            }
        });
        calls.put("receive", new Passing() {
            private Imsg received;

            @Override
            public void prepare() throws IOException {
                super.prepare();
                ends.first().send(message);
            }

            @Override
            public void make() throws IOException {
                received = null;
                received = ends.second().receive();
            }

            @Override
            public void verify(boolean failed) throws IOException {
                expect(failed ? ends.second().receive() : received);
            }
        });
        return calls;
    }

    /** A message with a descriptor on its way through a channel. */
    private abstract static class Passing implements Attempt {
        final ImsgChannel.Pair ends;
        Imsg message;
        private int id;

        Passing() throws IOException {
            ends = ImsgChannel.pair();
            ends.first().format(WireFormat.MODERN).allowFdPassing();
            ends.second().format(WireFormat.MODERN).allowFdPassing();
        }

        @Override
        public void prepare() throws IOException {
            message = Imsg.of(1, ++id, 0, new byte[200]).withFd(Fd.open(NOTHING));
        }

        final void expectMessage() throws IOException {
            expect(ends.second().receive());
        }

        final void expect(Imsg received) throws IOException {
            if (received.id() != id || !received.hasFd())
                System.out.println("expected message " + id + " with a descriptor, not " + received);
            received.close();
            message.close();
            if (ends.second().poll(_ -> {}) != 0 || ends.first().queuelen() != 0)
                System.out.println("message " + id + " came twice");
        }
    }

    private static void keep(Object closeable) {
        opened[openedCount++] = closeable;
    }

    private static void tryOut(String name, Attempt attempt, boolean memory) throws Exception {
        for (int i = 0; i < 3; i++) {
            attempt.prepare();
            attempt.make();
            attempt.verify(false);
            closeAll();
        }
        TreeSet<String> before = left();
        int enough = 32;
        while (attempt(attempt, enough, memory) && enough < MOST_STEPS)
            enough += 32;
        int failures = 0;
        for (int step = Math.max(0, enough - WINDOW); attempt(attempt, step, memory); step++) {
            failures++;
            TreeSet<String> after = left();
            if (!before.containsAll(after))
                System.out.println(name + ", step " + step + ", leaves " + after + ", not " + before);
            before = after;
        }
        System.out.println("* " + name + ": " + failures);
    }

    /** Returns whether it failed. */
    private static boolean attempt(Attempt attempt, int step, boolean memory) throws Exception {
        attempt.prepare();
        boolean failed = (memory ? withHeap(attempt, step * BYTES) : withStack(attempt, step)) != null;
        attempt.verify(failed);
        closeAll();
        return failed;
    }

    private static Throwable withHeap(Attempt attempt, int left) throws Exception {
        ballast = new byte[left];
        try {
            for (int size = 1 << 18; size > 0; size /= 64)
                fill(size);
            ballast = null;
            attempt.make();
            return null;
        } catch (OutOfMemoryError e) {
            return e;
        } finally {
            heap = null;
        }
    }

    private static void fill(int size) {
        try {
            while (true) {
                Object[] next = {heap, new byte[size]};
                heap = next;
            }
        } catch (OutOfMemoryError _) {
            // full, but for less than that
        }
    }

    private static Throwable withStack(Attempt attempt, int frames) throws Exception {
        Throwable[] failure = {null};
        Thread thread = new Thread(null, () -> {
            depth = 0;
            try {
                deepest();
            } catch (StackOverflowError _) {
                // that deep it goes
            }
            try {
                deep(depth - frames, attempt);
            } catch (Throwable e) {
                failure[0] = e;
            }
        }, "scarce", 200_000);
        thread.start();
        thread.join();
        if (failure[0] instanceof Exception e)
            throw e;
        return failure[0];
    }

    private static void deepest() {
        depth++;
        deepest();
    }

    private static void deep(int further, Attempt attempt) throws Exception {
        if (further > 0)
            deep(further - 1, attempt);
        else
            attempt.make();
    }

    private static void closeAll() throws Exception {
        while (openedCount > 0)
            ((AutoCloseable) opened[--openedCount]).close();
    }

    /** The open descriptors, the files beside the listener's, and the children. */
    private static TreeSet<String> left() throws Exception {
        TreeSet<String> left = new TreeSet<>();
        for (String number : new File("/proc/self/fd").list())
            if (Files.isSymbolicLink(Path.of("/proc/self/fd", number)))
                left.add(number);
        for (String name : directory.toFile().list())
            if (!name.equals("s")) {
                left.add(name);
                Files.delete(directory.resolve(name));
            }
        for (ProcessHandle child : (Iterable<ProcessHandle>) ProcessHandle.current().children()::iterator)
            if (!child.onExit().orTimeout(20, TimeUnit.SECONDS).handle((_, late) -> late == null).join())
                left.add("process " + child.pid());
        return left;
    }
}
