package org.imsg.privsep.rights;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.text.NumberFormat;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.FormatStyle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.imsg.sys.Credentials;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/** A program that does what it is told, line by line, and says how it went: what the tests confine and look at. */
final class Subject {
    static final String ANSWER = "> ";
    private static volatile long sink;

    private Subject() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1 && arguments[0].equals("trust"))
            System.exit(Math.min(200, trusted()));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("shutdown hook")));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        System.out.println(ANSWER + "here");
        for (String line; (line = input.readLine()) != null;)
            System.out.println(ANSWER + answer(line.split(" ", 2)[0], line.contains(" ") ? line.split(" ", 2)[1] : ""));
    }

    private static String answer(String command, String rest) {
        try {
            return run(command, rest).replace('\n', ' ');
        } catch (PrivilegeException e) {
            return "at " + e.step() + ": " + e.getMessage().replace('\n', ' ');
        } catch (Throwable t) {
            return t.toString().replace('\n', ' ');
        }
    }

    private static String listen(String[] modeAndPath) throws IOException {
        try (UnixListener _ = UnixListener.at(UnixAddress.of(Path.of(modeAndPath[1])))
                .mode(Integer.parseInt(modeAndPath[0], 8)).listen()) {
            return "listens";
        }
    }

    private static String run(String command, String rest) throws Exception {
        return switch (command) {
            case "raw" -> raw(rest.split(" "));
            case "listen-unix" -> listen(rest.split(" "));
            case "work" -> work();
            case "drop" -> drop(rest);
            case "drop-or-exit" -> {
                dropOf(rest).performOrExit();
                yield "dropped";
            }
            case "preload" -> {
                Preload.standard();
                yield "preloaded";
            }
            case "enter" -> Descriptions.of(rest).enter().toString();
            case "mixed" -> String.valueOf(Ids.areMixed());
            case "hoard" -> {
                try (Arena arena = Arena.ofConfined()) {
                    arena.allocate(Long.parseLong(rest) << 20);
                }
                yield "hoarded";
            }
            case "become" -> {
                Descriptions.of(rest).becomeUser();
                yield "is";
            }
            case "complete" -> Descriptions.of(rest).complete().toString();
            case "rehearse" -> {
                Descriptions.of(rest).rehearse();
                yield "rehearsed";
            }
            case "use" -> use();
            case "execute" -> "exit " + new ProcessBuilder(rest.split(" ")).start().waitFor();
            case "spawn" -> {
                String[] sides = rest.split(" = ");
                String[] words = sides[1].split(" ");
                Child child = Descriptions.of(sides[0]).spawn(Child.of(Path.of(words[0]),
                        Stream.of(words).skip(1).toArray(String[]::new)));
                yield "exit " + child.waitFor().code();
            }
            case "spawn-without-thread" -> spawnWithoutThread(rest.split(" "));
            case "filter-one-thread" -> filterOneThread();
            case "listen" -> {
                try (ServerSocket socket = new ServerSocket(Integer.parseInt(rest))) {
                    yield "port " + socket.getLocalPort();
                }
            }
            case "systemd" -> systemd(rest);
            default -> throw new IllegalArgumentException(command);
        };
    }

    /** How many certificates a TLS client trusts by default. */
    private static int trusted() throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        return Stream.of(factory.getTrustManagers())
                .mapToInt(each -> ((X509TrustManager) each).getAcceptedIssuers().length)
                .sum();
    }

    private static long argument(Arena arena, String word) {
        String[] sides = word.split(":", 2);
        return switch (sides[0]) {
            case "s" -> arena.allocateFrom(sides[1]).address();
            case "buffer" -> arena.allocate(4096).address();
            case "port" -> {
                MemorySegment address = arena.allocate(16, 8);
                address.set(ValueLayout.JAVA_SHORT, 0, (short) 2);
                address.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2,
                        (short) Integer.parseInt(sides[1]));
                address.set(ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, 0x7F000001);
                yield address.address();
            }
            // Always 8 bytes: the family, a NUL, and 5 letters.
            case "abstract" -> {
                MemorySegment address = arena.allocate(16, 8);
                address.set(ValueLayout.JAVA_SHORT, 0, (short) 1);
                address.setString(3, sides[1]);
                yield address.address();
            }
            default -> Long.decode(word);
        };
    }

    /** A system call by name; arguments are numbers, or a path after an s: sign. Says the result, or the error's name. */
    private static String raw(String[] words) {
        try (Arena arena = Arena.ofConfined()) {
            long[] arguments = new long[6];
            for (int i = 1; i < words.length; i++)
                arguments[i - 1] = argument(arena, words[i]);
            int result = RawSyscall.call(LinuxSyscalls.host().number(words[0]), arguments[0], arguments[1],
                    arguments[2], arguments[3], arguments[4], arguments[5]);
            return result < 0 ? Errno.name(-result) : Integer.toString(result);
        }
    }

    /** Starts a program that takes the last thread, and ends it; then one for which there is none. */
    private static String spawnWithoutThread(String[] words) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(16, 8);
            Credentials.getrlimit(Resource.NPROC.number(), limits.address());
            long soft = limits.get(ValueLayout.JAVA_LONG, 0);
            Child.Builder sleeping = Child.of(Path.of(words[0]), words[1]);
            try {
                Child last = sleeping.start(spawn -> {
                    int result = spawn.getAsInt();
                    limits.set(ValueLayout.JAVA_LONG, 0, 0);
                    Credentials.setrlimit(Resource.NPROC.number(), limits.address());
                    return result;
                });
                last.kill(9);
                if (last.onExit().toCompletableFuture().join().signal() != 9)
                    return "ended otherwise";
                sleeping.start();
                return "the next has a thread";
            } catch (OutOfMemoryError _) {
                return "waited for; then no thread, and children: " + ProcessHandle.current().children().count();
            } finally {
                limits.set(ValueLayout.JAVA_LONG, 0, soft);
                Credentials.setrlimit(Resource.NPROC.number(), limits.address());
            }
        }
    }

    /** Starts a thread that has a filter of its own, and stays. */
    private static String filterOneThread() {
        CompletableFuture<Integer> filtered = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment program = Confining.filterProgram(arena,
                        SeccompFilter.of(LinuxSyscalls.host(), Set.of(Promise.values()), true, 0));
                filtered.complete(RawSyscall.call(LinuxSyscalls.host().number("seccomp"),
                        Confining.SECCOMP_SET_MODE_FILTER, 0, program.address()));
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        return "filtered " + filtered.join();
    }

    /** What a JVM does on its own sooner or later: collect, compile, start threads of each kind. */
    private static String work() throws InterruptedException {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            byte[] garbage = new byte[64 << 10];
            if (i % 20 == 0)
                kept.add(garbage);
        }
        System.gc();
        long sum = kept.size();
        for (int i = 0; i < 30_000_000; i++)
            sum = sum * 31 + (i ^ sum >>> 7);
        sink = sum;
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            threads.add(Thread.ofPlatform().start(() -> sink++));
            threads.add(Thread.ofVirtual().start(() -> sink++));
        }
        for (Thread thread : threads)
            thread.join();
        return "works";
    }

    /** "uid root|- [options]" */
    private static PrivilegeDrop dropOf(String rest) {
        String[] words = rest.split(" ");
        PrivilegeDrop drop = PrivilegeDrop.to(Ids.of(Long.parseLong(words[0]), 64002, 64003, 64004));
        if (!words[1].equals("-"))
            drop = drop.chroot(Path.of(words[1]));
        for (int i = 2; i < words.length; i++) {
            String[] sides = words[i].split(":");
            drop = switch (sides[0]) {
                case "dumpable" -> drop.dumpable();
                case "bare" -> drop.withoutPreload();
                case "accept" -> drop.accept(Capability.valueOf(sides[1]));
                case "limited" -> drop.rlimit(Resource.NOFILE, 100, 200).rlimit(Resource.CORE, 0, 0);
                case "unlimited" -> drop.rlimit(Resource.NOFILE, 1 << 30, 1 << 30);
                case "fails" -> drop.preload(() -> {
                    throw new IOException("no such luck");
                });
                default -> throw new IllegalArgumentException(words[i]);
            };
        }
        return drop;
    }

    private static String drop(String rest) throws PrivilegeException {
        dropOf(rest).perform();
        return "dropped";
    }

    /** What opens files the first time it is used. */
    private static String use() throws Exception {
        try (Selector selector = Selector.open()) {
            selector.selectNow();
        }
        Thread.ofVirtual().start(() -> sink++).join();
        int random = new SecureRandom().nextInt() & 1;
        MessageDigest.getInstance("SHA-256").digest(new byte[1]);
        KeyPairGenerator.getInstance("EC").generateKeyPair();
        for (Provider provider : Security.getProviders())
            provider.getServices();
        Pipe pipe = Pipe.open();
        pipe.source().close();
        Channels.newOutputStream(pipe.sink()).close();
        ZonedDateTime now = ZonedDateTime.now();
        String time = now.withZoneSameInstant(ZoneId.of("Asia/Tokyo")).getZone().toString();
        for (Locale locale : List.of(Locale.getDefault(), Locale.FRANCE)) {
            DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM).withLocale(locale).format(now);
            NumberFormat.getCurrencyInstance(locale).format(1.5);
            String.format(locale, "%,d %.3f %tF %s", 1, 0.5, 0L, Locale.ROOT);
        }
        new ErrnoException("open", Errno.number("EACCES")).printStackTrace(new PrintWriter(new StringWriter()));
        System.getLogger("subject").log(System.Logger.Level.INFO, "logged");
        return "used " + InetAddress.getByName("127.0.0.1").getHostAddress() + " " + time + " " + (random & 0);
    }

    private static String systemd(String rest) throws IOException {
        try (SystemdStart start = SystemdStart.take()) {
            List<String> seen = new ArrayList<>();
            for (SystemdStart.Passed passed : start.descriptors())
                seen.add(passed.name() + "=" + raw(new String[]{"fcntl", "" + passed.fd().intValue(), "1"}));
            if (!rest.isEmpty())
                dropOf(rest).perform();
            start.ready();
            start.report("STATUS=serving");
            return seen + " " + start.isNotified();
        }
    }
}
