package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every public method of the classes that several threads may hold, from four threads at once, with arguments of all kinds. */
@Timeout(120)
class AnyThreadsTest {
    private static final int ROUNDS = 12;
    private static final int CALLS = 300;
    private static final Path NOTHING = Path.of("/dev/null");
    private static final int[] NUMBERS = {-1, 0, 1, 2, 4, 8, 100, 5000, 70_000, Integer.MAX_VALUE, Integer.MIN_VALUE};
    private static final AtomicInteger LISTENERS = new AtomicInteger();

    @FunctionalInterface
    private interface Closing {
        void close() throws IOException;
    }

    /** What the threads share, and how it is closed with what belongs to it. */
    private record Subject(Object target, Closing... owned) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            for (Closing each : owned)
                each.close();
        }
    }

    @FunctionalInterface
    private interface Making {
        Subject make() throws Exception;
    }

    @Test
    void a_channel_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            ImsgChannel.Pair pair = ImsgChannel.pair();
            pair.second().send(Imsg.of(1, new byte[100]));
            pair.first().format(WireFormat.MODERN).allowFdPassing();
            return new Subject(pair.first(), pair::close);
        });
    }

    @Test
    void a_buffer_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            Ibuf buffer = Ibuf.dynamic(0, 1000).add(new byte[100]);
            Ibuf shared = buffer.move();
            return new Subject(shared);
        });
    }

    @Test
    void a_queue_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            IbufQueue queue = new IbufQueue();
            return new Subject(queue, queue::close);
        });
    }

    @Test
    void a_descriptor_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            Fd fd = Fd.open(NOTHING);
            return new Subject(fd, fd::close);
        });
    }

    @Test
    void a_channel_on_a_descriptor_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            Fd.Pair pair = Fd.socketpair();
            FdChannel channel = new FdChannel(pair.first());
            return new Subject(channel, channel::close, pair::close);
        });
    }

    @Test
    void a_listener_is_right_or_throws() throws Exception {
        useEveryMethod(() -> {
            UnixAddress address = UnixAddress
                    .ofAbstract("any-" + ProcessHandle.current().pid() + "-" + LISTENERS.incrementAndGet());
            ImsgListener listener = ImsgListener.at(address).listen();
            ImsgChannel client = ImsgChannel.connect(address, Duration.ofSeconds(10));
            return new Subject(listener, listener::close, client::close);
        });
    }

    private static void useEveryMethod(Making making) throws Exception {
        long seed = new Random().nextLong();
        try (Fd witness = Fd.open(NOTHING)) {
            for (int round = 0; round < ROUNDS; round++)
                useRound(making, seed + round, Call.On.values()[round % 2]);
            assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/" + witness.intValue()))).isEqualTo(NOTHING);
        } catch (Throwable e) {
            throw new AssertionError("with the seed " + seed, e);
        }
    }

    private static void useRound(Making making, long seed, Call.On kind) throws Exception {
        List<Call<Void>> calls = new ArrayList<>();
        AtomicInteger made = new AtomicInteger();
        try (Subject subject = making.make()) {
            Method[] methods = methods(subject.target().getClass());
            for (int i = 0; i < 4; i++) {
                Random random = new Random(31 * seed + i);
                calls.add(Call.start(kind, () -> {
                    while (made.incrementAndGet() <= CALLS)
                        use(subject.target(), methods[random.nextInt(methods.length)], random);
                    if (subject.target() instanceof Ibuf buffer)
                        closeIfMine(buffer);
                    return null;
                }));
            }
            // Each of them is done, or waits for what only a close gives it.
            Call.until(() -> made.get() > CALLS || calls.stream().allMatch(call -> call.isDone() || call.isWaiting()));
        }
        for (Call<Void> call : calls)
            call.result();
    }

    private static void closeIfMine(Ibuf buffer) {
        try {
            buffer.close();
        } catch (WrongThreadException _) {
            // Another thread has used it first, and closes it.
        }
    }

    private static Method[] methods(Class<?> type) {
        return Arrays.stream(type.getMethods())
                .filter(method -> !Modifier.isStatic(method.getModifiers())
                        && method.getDeclaringClass() != Object.class)
                .filter(method -> !method.getName().equals("close"))
                .sorted(Comparator.comparing(Method::toGenericString)).toArray(Method[]::new);
    }

    private static void use(Object target, Method method, Random random) throws Exception {
        Object[] arguments = new Object[method.getParameterCount()];
        for (int i = 0; i < arguments.length; i++)
            arguments[i] = argument(method.getParameterTypes()[i], random);
        try {
            drop(method, method.invoke(target, arguments));
        } catch (InvocationTargetException e) {
            if (!isNamed(e.getCause(), arguments))
                throw new AssertionError(method + " with " + Arrays.toString(arguments), e.getCause());
        } finally {
            for (Object argument : arguments)
                if (argument instanceof AutoCloseable closeable)
                    closeable.close();
        }
    }

    private static boolean isNamed(Throwable thrown, Object[] arguments) {
        return switch (thrown) {
            case IOException _,IllegalStateException _,IllegalArgumentException _,IndexOutOfBoundsException _,TruncatedMessageException _,ConcurrentModificationException _,UnsupportedOperationException _,WrongThreadException _ ->
                true;
            case NullPointerException _ -> Arrays.asList(arguments).contains(null);
            default -> false;
        };
    }

    private static void drop(Method method, Object result) throws Exception {
        if (method.getName().equals("release"))
            Fd.of((int) result).close();
        else if (result instanceof AutoCloseable closeable && closeable.getClass() != method.getDeclaringClass()
                || method.getName().matches("dup|move|handOn|pop|popImsg|take"))
            if (result != null)
                ((AutoCloseable) result).close();
    }

    private static Object argument(Class<?> type, Random random) throws IOException {
        int number = NUMBERS[random.nextInt(NUMBERS.length)];
        if (type == int.class)
            return number;
        if (type == long.class)
            return (long) number;
        if (type == byte[].class)
            return new byte[random.nextInt(5000)];
        if (type == int[].class)
            return new int[]{number};
        if (type == String.class)
            return "x".repeat(random.nextInt(100));
        if (type == Duration.class)
            return Duration.ofNanos(random.nextInt(-1000, 100_000));
        if (type == Fd.class)
            return Fd.open(NOTHING);
        if (type == Imsg.class)
            return Imsg.of(number, new byte[random.nextInt(5000)]);
        if (type == Ibuf.class)
            return Ibuf.dynamic(0, 1000).add(new byte[random.nextInt(1000)]);
        if (type == IbufQueue.class)
            return new IbufQueue();
        if (type == MemorySegment.class)
            return MemorySegment.ofArray(new byte[random.nextInt(5000)]);
        if (type == MemorySegment[].class)
            return new MemorySegment[]{MemorySegment.ofArray(new byte[random.nextInt(5000)])};
        if (type == ByteBuffer.class)
            return ByteBuffer.allocate(random.nextInt(5000));
        if (type == WireFormat.class)
            return WireFormat.values()[random.nextInt(WireFormat.values().length)];
        if (type == ImsgHandler.class)
            return (ImsgHandler) ImsgView::length;
        if (type == ConnectionHandler.class)
            return (ConnectionHandler<ImsgChannel>) (channel, _) -> channel.poll(ImsgView::length);
        if (type == Predicate.class)
            return (Predicate<?>) _ -> true;
        return null;
    }

    @Test
    void no_method_is_left_out_for_want_of_an_argument() {
        List<String> without = Stream
                .of(ImsgChannel.class, IbufQueue.class, Fd.class, FdChannel.class, ImsgListener.class)
                .flatMap(type -> Arrays.stream(methods(type)))
                .filter(method -> Arrays.stream(method.getParameterTypes()).anyMatch(AnyThreadsTest::hasNoArgument))
                .map(method -> method.getDeclaringClass().getSimpleName() + "." + method.getName()).toList();
        assertThat(without).containsExactly("ImsgChannel.forward");
    }

    private static boolean hasNoArgument(Class<?> type) {
        try {
            Object argument = argument(type, new Random(1));
            if (argument instanceof Fd fd)
                fd.close();
            return argument == null;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
