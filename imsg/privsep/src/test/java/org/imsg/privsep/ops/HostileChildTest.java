package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A child that does its worst: it is refused, logged and dropped, and its sister, served by the same monitor, notices nothing. */
@Timeout(60)
class HostileChildTest {
    private static final int LENIENT = 1_000_000;

    @TempDir
    Path directory;
    private final ManualTime time = new ManualTime();
    private CapturedLog log;
    private Monitor monitor;
    private Served sister;
    private Privileged good;
    private Served served;
    private Raw hostile;

    @BeforeEach
    void start() throws Exception {
        log = new CapturedLog(Monitor.class);
        Files.writeString(directory.resolve("file"), "content");
        with(Limits.USUAL);
    }

    /** Two children of a monitor; the time that rates are measured with stands. */
    private void with(Limits limits) throws IOException {
        end();
        Policy policy = Policy.of("open read " + directory + "/", "lookup user");
        monitor = Monitor.builder(policy).limits(limits).time(time).build();
        sister = Served.by(monitor, "sister");
        good = sister.privileged();
        served = Served.by(monitor, "hostile");
        hostile = new Raw(served.channel);
    }

    @AfterEach
    void release() throws Exception {
        try {
            assertThat(read(good.open(directory.resolve("file")))).isEqualTo(7);
            assertThat(log.lines()).noneMatch(line -> line.startsWith("sister"));
        } finally {
            end();
            log.close();
        }
    }

    private void end() throws IOException {
        if (hostile == null)
            return;
        hostile.close();
        served.close();
        good.close();
        sister.close();
    }

    private static int read(Fd fd) throws IOException {
        try (FdChannel file = new FdChannel(fd)) {
            return file.read(ByteBuffer.allocate(100));
        }
    }

    private Operation.Request open() {
        return new OpenFile(directory.resolve("file").toString(), Set.of(), 0);
    }

    private void assertDropped(String why) throws Exception {
        while (hostile.receive() != null) {
            // the answers from before
        }
        assertThat(served.end()).isInstanceOf(ChildDroppedException.class).hasMessageContaining(why);
        assertThat(log.lines()).anySatisfy(line -> assertThat(line).startsWith("hostile is dropped: ").contains(why));
    }

    private static Arguments bad(String what, int type, Consumer<Ibuf> fields) {
        return Arguments.of(what, type, fields);
    }

    private static Ibuf head(Ibuf payload) {
        return payload.addN8(1).addN32(0);
    }

    private static Stream<Arguments> malformed() {
        return Stream.of(bad("version needs 1 bytes, and 0 are left", OpenFile.OPERATION.type(), _ -> {}),
                bad("the version is 1, not 2", OpenFile.OPERATION.type(), p -> p.addN8(2).addN32(0)),
                bad("deadline needs 4 bytes, and 2 are left", OpenFile.OPERATION.type(), p -> p.addN8(1).addN16(0)),
                bad("path needs 65535 bytes, and 0 are left", OpenFile.OPERATION.type(), p -> head(p).addN16(0xFFFF)),
                bad("there is a NUL in path", OpenFile.OPERATION.type(),
                        p -> head(p).addN16(2).add(new byte[]{'/', 0}).addN32(1).addN32(0)),
                bad("path is not UTF-8", OpenFile.OPERATION.type(),
                        p -> head(p).addN16(2).add(new byte[]{'/', (byte) 0xFF})),
                bad("there are 9 flags, not 0x80000000", OpenFile.OPERATION.type(), p -> Fields.addString(head(p), "/")
                        .addN32(0x8000_0000L).addN32(0)),
                bad("a file is opened READ, WRITE or READ_WRITE, not [READ, WRITE]", OpenFile.OPERATION.type(),
                        p -> Fields.addString(head(p), "/").addN32(3).addN32(0)),
                bad("1 bytes follow the last field", RemoveTree.OPERATION.type(),
                        p -> Fields.addString(head(p), "/x").addN8(0)),
                bad("kind is 0 to 3, not 4", BindSocket.OPERATION.type(), p -> head(p).addN8(4)),
                bad("kind is 0 to 8, not 255", LookUp.OPERATION.type(), p -> head(p).addN8(255)),
                bad("reuse is 0 to 1, not 2", BindSocket.OPERATION.type(),
                        p -> Fields.addString(head(p).addN8(0), "::").addN16(1).addN8(2)),
                bad("arguments needs 2 bytes, and 0 are left", RunProgram.OPERATION.type(), p -> {
                    Fields.addString(head(p), "/bin/sh").addN16(0xFFFF);
                }), bad("a variable is NAME=value, not =x", RunProgram.OPERATION.type(), p -> {
                    Fields.addString(Fields.addString(head(p), "/bin/sh").addN16(0).addN16(1), "=x").addN16(0)
                            .addN16(0);
                }), bad("user needs 2 bytes, and 0 are left", RunProgram.OPERATION.type(), p -> {
                    Fields.addString(head(p), "/bin/sh").addN16(0).addN16(0).addN16(0);
                }), bad("a signal is 1 to 64, not 0", OperationProtocol.SIGNAL, p -> head(p).addN32(0)),
                bad("nanoseconds are 0 to 999999999, not 1000000000", SetClock.OPERATION.type(),
                        p -> head(p).addN8(0).addN64(0).addN32(1_000_000_000)),
                bad("-9223372036854775808 seconds are more than any clock shows", SetClock.OPERATION.type(),
                        p -> head(p).addN8(1).addN64(Long.MIN_VALUE).addN32(0)),
                bad("-9223372036854775808 microseconds are more than a clock can be slewed by",
                        SlewClock.OPERATION.type(), p -> head(p).addN8(0).addN64(Long.MIN_VALUE)),
                bad("500001 parts per billion are more than a clock can be slewed by", SlewClock.OPERATION.type(),
                        p -> head(p).addN8(1).addN64(500_001)),
                bad("an interface has a name of 1 to 15 characters", OpenPackets.OPERATION.type(),
                        p -> Fields.addString(head(p), "../../etc/passwd")),
                bad("an interface has a name of 1 to 15 characters", OpenPackets.OPERATION.type(),
                        p -> Fields.addString(head(p), "")),
                bad("change is 0 to 7, not 8", ConfigureInterface.OPERATION.type(), p -> head(p).addN8(8)),
                bad("expected that an interface has a name of 1 to 15 characters", ConfigureInterface.OPERATION.type(),
                        p -> Fields.addString(head(p).addN8(0), "").addN16(0).addN8(0).addN16(0).addN32(0)),
                bad("expected that the address fits the change", ConfigureInterface.OPERATION.type(),
                        p -> Fields.addString(head(p).addN8(1), "v0").addN16(0).addN8(0).addN16(0).addN32(0)),
                bad("expected that the bits are those of the address", ConfigureInterface.OPERATION.type(),
                        p -> Fields.addString(Fields.addString(head(p).addN8(1), "v0"), "192.0.2.1").addN8(33).addN16(0)
                                .addN32(0)),
                bad("expected that the gateway is one of the route's family", ConfigureInterface.OPERATION.type(),
                        p -> Fields.addString(Fields.addString(Fields.addString(head(p).addN8(3), "v0"), "0.0.0.0")
                                .addN8(0), "::1").addN32(0)),
                bad("a service is named by letters, digits, _, . and -", Authenticate.OPERATION.type(),
                        p -> Fields.addString(Fields.addString(head(p), "../passwd"), "root")),
                bad("there is no request of type 0x4f500000", OperationProtocol.FIRST, p -> head(p)),
                bad("there is no request of type 0x4f500100", OperationProtocol.DONE, p -> head(p)),
                bad("there is no request of type 0xffffffff", -1, p -> head(p)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void malformed(String why, int type, Consumer<Ibuf> fields) throws Exception {
        try (Ibuf payload = Ibuf.dynamic(16, 1000)) {
            fields.accept(payload);
            hostile.send(Imsg.of(type, 77, 0, payload));
        }
        Imsg reply = hostile.receive();
        assertThat(reply.type()).isEqualTo(OperationProtocol.MALFORMED);
        assertThat(reply.id()).isEqualTo(77);
        assertThat(Fields.of(reply).string("reason")).isEqualTo(why);
        assertThat(log.lines()).containsExactly("hostile sent a message that is no request: " + why);
        assertThat(hostile.ask(open()).type()).as("the next request").isEqualTo(OperationProtocol.DESCRIPTOR);
    }

    @Test
    void random_bytes_in_every_request_are_malformed_or_refused_and_never_a_fault_of_the_monitors() throws Exception {
        with(new Limits(LENIENT, LENIENT, LENIENT, 1, LENIENT, 2, 20, Duration.ofSeconds(30), Duration.ofSeconds(10)));
        long seed = 4711;
        Random random = new Random(seed);
        for (int i = 0; i < 3000; i++) {
            int type = OperationProtocol.FIRST + random.nextInt(16);
            if (type == OperationProtocol.SIGNAL)
                continue;
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            for (int at = 0; at < Math.min(bytes.length, random.nextInt(20)); at++)
                bytes[at] = (byte) (at == 0 ? 1 : random.nextInt(3));
            hostile.send(Imsg.of(type, i, 0, bytes));
            assertThat(hostile.receive().type()).as("seed " + seed + ", message " + i)
                    .isIn(OperationProtocol.MALFORMED, OperationProtocol.REFUSED, OperationProtocol.ABSENT);
        }
        assertThat(log.lines()).noneMatch(line -> line.contains("failed"));
    }

    @Test
    void one_malformed_message_too_many_ends_the_channel() throws Exception {
        for (int i = 0; i <= Limits.USUAL.malformed(); i++)
            hostile.send(Imsg.of(OpenFile.OPERATION.type()));
        assertDropped("it sent 4 messages that are no requests");
    }

    @Test
    void what_is_no_message_at_all_ends_the_channel() throws Exception {
        Fd borrowed = Fd.of(served.channel.fd());
        try (FdChannel raw = new FdChannel(borrowed.dup())) {
            raw.write(ByteBuffer.allocate(16));
        } finally {
            borrowed.release();
        }
        assertThat(served.end()).isInstanceOf(ImsgProtocolException.class);
    }

    @Test
    void descriptors_that_nobody_asked_for_are_closed_and_end_the_channel() throws Exception {
        for (int i = 0; i <= Limits.USUAL.malformed(); i++)
            try (Fd file = Fd.open(directory.resolve("file"));
                    Ibuf payload = open().payload(Duration.ZERO, 1000)) {
                hostile.send(Imsg.of(OpenFile.OPERATION.type(), 1, 0, payload).withFd(file));
            }
        assertDropped("it sent 4 messages that are no requests");
        assertThat(log.lines()).anyMatch(line -> line.endsWith("a request carries no descriptor"));
    }

    private static void hand(Raw raw, int peerid, int number, Fd fd) throws Exception {
        Handed handed = new Handed(number);
        try (Ibuf payload = handed.payload(Duration.ZERO, 1000);
                Imsg message = Imsg.of(handed.type(), peerid, 0, payload).withFd(fd)) {
            raw.send(message);
        }
    }

    private static Operation.Request running(Integer... descriptors) {
        return new RunProgram("/bin/sh", List.of("-c", "read x"), List.of(), "", List.of(descriptors));
    }

    @Test
    void descriptors_for_programs_that_never_come_are_bounded_and_closed() throws Exception {
        for (int i = 0; i <= Handed.MOST + Limits.USUAL.malformed(); i++)
            hand(hostile, i, 3, Fd.open(directory.resolve("file")));
        assertDropped("it sent 4 messages that are no requests");
        assertThat(log.lines()).anyMatch(line -> line.endsWith("a descriptor 3 is handed over already, or 16 wait for "
                + "their requests"));
    }

    @Test
    void a_descriptor_is_handed_over_once_to_one_program_that_may_have_it() throws Exception {
        Root.required();
        try (Served other = Served.by(Policy.of("run user=64010 descriptors=3-5 /bin/sh -c *"));
                Raw raw = new Raw(other.channel)) {
            hand(raw, 5, 6, Fd.open(directory.resolve("file")));
            raw.send(5, running(6));
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.REFUSED);
            hand(raw, 5, 3, Fd.open(directory.resolve("file")));
            raw.send(6, running(3));
            assertThat(Fields.of(raw.receive()).n32("errno")).isEqualTo(org.imsg.unix.Errno.number("EBADF"));
            hand(raw, 5, 3, Fd.open(directory.resolve("file")));
            assertThat(raw.receive().type()).as("the same number again").isEqualTo(OperationProtocol.MALFORMED);
            hand(raw, 7, 5, Fd.open(directory));
            raw.send(7, running(5));
            Imsg refused = raw.receive();
            assertThat(refused.type()).as("a directory").isEqualTo(OperationProtocol.REFUSED);
            hand(raw, 8, 2, Fd.open(directory.resolve("file")));
            assertThat(raw.receive().type()).as("a standard stream").isEqualTo(OperationProtocol.MALFORMED);
            raw.send(9, new Handed(3));
            assertThat(raw.receive().type()).as("none at all").isEqualTo(OperationProtocol.MALFORMED);
        }
        assertThat(log.lines()).anyMatch(line -> line.contains("does not allow the descriptor 6"))
                .anyMatch(line -> line.contains("descriptor 5 is a directory"));
    }

    @Test
    void a_child_that_asks_too_fast_is_slowed() throws Exception {
        with(new Limits(10, 2, 5, 1, 3, 2, 20, Duration.ofSeconds(30), Duration.ofSeconds(10)));
        for (int i = 1; i <= 5; i++)
            hostile.send(i, open());
        Set<Integer> first = Set.of(hostile.receive().id(), hostile.receive().id());
        assertThat(first).containsExactlyInAnyOrder(1, 2);
        for (int i = 3; i <= 5; i++) {
            time.awaitSleepers(1);
            assertThatExceptionOfType(java.net.SocketTimeoutException.class)
                    .isThrownBy(() -> served.channel.receive(Duration.ZERO));
            time.advance(100_000_000);
            assertThat(hostile.receive().id()).isEqualTo(i);
        }
    }

    @Test
    void a_child_that_floods_is_slowed_and_every_request_is_answered() throws Exception {
        with(new Limits(LENIENT, LENIENT, 5, 1, 3, 2, 20, Duration.ofSeconds(30), Duration.ofSeconds(10)));
        Call<Object> flood = Call.start(Call.On.PLATFORM, () -> {
            for (int i = 0; i < 2000; i++)
                hostile.send(i, new LookUp(LookUp.Kind.USER, "root", ""));
            return null;
        });
        Set<Integer> answered = new HashSet<>();
        for (int i = 0; i < 2000; i++)
            answered.add(hostile.receive().id());
        assertThat(answered).hasSize(2000);
        flood.result();
    }

    @Test
    void a_child_that_reads_no_answer_holds_a_handful_of_descriptors_and_is_dropped() throws Exception {
        with(new Limits(LENIENT, LENIENT, 256, 1, 3, 8, 20, Duration.ofSeconds(30), Duration.ofMillis(300)));
        int before = descriptors();
        AtomicInteger most = new AtomicInteger();
        Call<Object> flood = Call.start(Call.On.PLATFORM, () -> {
            for (int i = 0;; i++) {
                hostile.send(i, open());
                most.accumulateAndGet(descriptors() - before, Math::max);
            }
        });
        assertThat(flood.failure()).isInstanceOf(IOException.class);
        assertThat(served.end()).isInstanceOf(ChildDroppedException.class)
                .hasMessage("it left answers unread for 300 ms");
        assertThat(most.get()).isLessThan(24);
        assertThat(log.lines()).anyMatch(line -> line.startsWith("hostile does not take an answer"));
    }

    /** The requests take no descriptor, and are worked on by no thread while all of them wait for the child to read. */
    @Test
    void descriptors_handed_over_with_requests_that_are_not_answered_are_bounded_and_closed_at_the_drop()
            throws Exception {
        with(new Limits(LENIENT, LENIENT, 256, 1, 3, 8, 20, Duration.ofSeconds(30), Duration.ofSeconds(2)));
        int before = descriptors();
        AtomicInteger most = new AtomicInteger();
        Call<Object> flood = Call.start(Call.On.PLATFORM, () -> {
            for (int i = 0;; i++) {
                for (int number = 0; number < Handed.MOST; number++)
                    hand(hostile, i, Handed.FIRST + number, Fd.open(directory.resolve("file")));
                hostile.send(i, new RemoveTree("/x"));
                most.accumulateAndGet(descriptors() - before, Math::max);
            }
        });
        assertThat(flood.failure()).isInstanceOf(IOException.class);
        assertThat(served.end()).isInstanceOf(IOException.class);
        assertThat(most.get()).isLessThan(24 + Handed.MOST);
        // The channel that is closed now was there before.
        assertThat(descriptors()).isLessThanOrEqualTo(before);
    }

    private static int descriptors() {
        return Path.of("/proc/self/fd").toFile().list().length;
    }

    @Test
    void refusals_are_logged_at_a_rate_and_the_others_are_counted() throws Exception {
        for (int i = 0; i < 150; i++)
            assertThat(hostile.ask(new RemoveTree("/x")).type()).isEqualTo(OperationProtocol.REFUSED);
        assertThat(log.lines()).hasSize(Limits.USUAL.lines());
        time.advance(1_000_000_000);
        hostile.ask(new RemoveTree("/y"));
        assertThat(log.lines().subList(20, 22)).containsExactly("hostile had 130 more lines that were not logged",
                "hostile is refused: no rule allows to remove /y");
    }

    private static Stream<Error> errors() {
        return Stream.of(new OutOfMemoryError("none left"), new StackOverflowError(), new NoClassDefFoundError("x"));
    }

    @ParameterizedTest
    @MethodSource("errors")
    void an_error_of_one_request_answers_that_request_and_nothing_else(Error error) throws Exception {
        SystemClock failing = SystemClock.recording(_ -> {
            throw error;
        });
        try (Served other = Served.by(Policy.of("clock", "open read " + directory + "/"),
                settings -> settings.clock(failing)); Raw raw = new Raw(other.channel)) {
            for (int i = 0; i < 20; i++)
                assertThat(raw.ask(new SetClock(true, 1, 0)).type()).isEqualTo(OperationProtocol.FAILED);
            assertThat(raw.ask(open()).type()).as("the next request").isEqualTo(OperationProtocol.DESCRIPTOR);
        }
        assertThat(log.lines()).hasSize(20).allMatch(line -> line.equals("a request of child failed"));
    }

    /** As when the limit of processes is reached: threads that are there go on, and no other can be made. */
    @Test
    void a_machine_without_threads_ends_no_session_and_every_program_with_its_time() throws Exception {
        Root.required();
        AtomicBoolean exhausted = new AtomicBoolean();
        ThreadFactory scarce = work -> new Thread(work) {
            @Override
            public void start() {
                if (exhausted.get())
                    throw new OutOfMemoryError("unable to create native thread");
                super.start();
            }
        };
        Policy policy = Policy.of("run user=64010 time=1 /bin/sh -c *", "open read " + directory + "/");
        try (Served other = Served.by(policy, settings -> settings.threads(scarce)); Raw raw = new Raw(other.channel)) {
            RunProgram run = new RunProgram("/bin/sh", List.of("-c", "read x"), List.of(), "",
                    List.of());
            raw.send(5, run);
            for (int i = 0; i < 4; i++)
                assertThat(raw.receive().id()).isEqualTo(5);
            exhausted.set(true);
            for (int i = 0; i < 20; i++)
                assertThat(raw.ask(open()).type()).isEqualTo(OperationProtocol.DESCRIPTOR);
            raw.send(6, run);
            Imsg refused = raw.receive();
            assertThat(Fields.of(refused).n32("errno")).isEqualTo(org.imsg.unix.Errno.number("EAGAIN"));
            Imsg ended = raw.receive();
            assertThat(ended.type()).isEqualTo(OperationProtocol.EXITED);
            assertThat(ended.id()).isEqualTo(5);
        }
    }

    @Test
    void a_child_that_no_thread_can_serve_is_left_no_open_channel() throws Exception {
        Monitor monitor = Monitor.builder(Policy.of()).threads(work -> {
            throw new OutOfMemoryError("unable to create native thread");
        }).build();
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            assertThatExceptionOfType(OutOfMemoryError.class)
                    .isThrownBy(() -> monitor.serve(pair.second(), "child"));
            assertThat(pair.first().receive()).isNull();
        }
    }

    @Test
    void a_child_that_waits_for_its_answers_is_never_dropped() throws Exception {
        with(new Limits(LENIENT, 1, 1, 1, 0, 1, 20, Duration.ofSeconds(30), Duration.ofSeconds(10)));
        for (int i = 0; i < 200; i++) {
            time.advance(1000);
            assertThat(hostile.ask(open()).type()).isEqualTo(OperationProtocol.DESCRIPTOR);
        }
    }

    @Test
    void a_child_that_does_not_read_its_answers_is_dropped() throws Exception {
        with(new Limits(LENIENT, LENIENT, LENIENT, 1, 3, 2, 20, Duration.ofSeconds(30), Duration.ofMillis(20)));
        Call<Object> flood = Call.start(Call.On.PLATFORM, () -> {
            for (int i = 0;; i++)
                hostile.send(i, new LookUp(LookUp.Kind.USER, "root", ""));
        });
        assertThat(flood.failure()).isInstanceOf(IOException.class);
        assertThat(served.end()).isInstanceOf(IOException.class);
        assertThat(log.lines()).anyMatch(line -> line.startsWith("hostile does not take an answer"));
    }

    @Test
    void two_programs_of_one_peerid_are_malformed() throws Exception {
        Root.required();
        try (Served other = Served.by(Policy.of("run user=64010 /bin/sh -c *")); Raw raw = new Raw(other.channel)) {
            Operation.Request run = new RunProgram("/bin/sh", java.util.List.of("-c", "read x"), java.util.List.of(),
                    "", java.util.List.of());
            raw.send(5, run);
            for (int i = 0; i < 4; i++)
                assertThat(raw.receive().type()).isIn(OperationProtocol.STARTED, OperationProtocol.STREAM);
            raw.send(5, run);
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.MALFORMED);
            raw.send(5, new Signal(9));
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.EXITED);
        }
        assertThat(log.lines()).hasSize(2).last().asString().endsWith("peerid 5 is that of a program that runs");
    }

    @Test
    void what_is_not_done_by_the_monitors_deadline_is_told_to_have_expired_and_logged() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        SystemClock stuck = SystemClock.recording(_ -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Limits hasty = new Limits(1000, 200, 256, 1, 3, 2, 20, Duration.ofMillis(50), Duration.ofSeconds(10));
        try (Served other = Served.by(Policy.of("clock within=60", "open read " + directory + "/"),
                monitor -> monitor.clock(stuck).limits(hasty)); Raw raw = new Raw(other.channel)) {
            assertThat(raw.ask(new SetClock(true, 1, 0)).type()).isEqualTo(OperationProtocol.EXPIRED);
            assertThat(raw.ask(open()).type()).as("the next request").isEqualTo(OperationProtocol.DESCRIPTOR);
            raw.send(1, Duration.ofHours(1), new SetClock(true, 1, 0));
            assertThat(raw.receive().type()).as("who asks for more time").isEqualTo(OperationProtocol.EXPIRED);
            never.countDown();
        }
        assertThat(log.lines()).hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("which was not done within 50 ms"));
    }

    @Test
    void a_child_may_have_its_request_expire_earlier() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        SystemClock stuck = SystemClock.recording(_ -> Call.until(() -> never.getCount() == 0));
        try (Served other = Served.by(Policy.of("clock"), monitor -> monitor.clock(stuck));
                Raw raw = new Raw(other.channel)) {
            raw.send(1, Duration.ofMillis(10), new SetClock(true, 1, 0));
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.EXPIRED);
            never.countDown();
        }
    }

    @Test
    void a_removal_whose_time_is_over_goes_no_further() throws Exception {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (int i = 0; i < 5000; i++)
            Files.createFile(tree.resolve("file-" + i));
        // What comes second is begun when the first has been left alone.
        Limits oneByOne = new Limits(1000, 200, 256, 1, 3, 1, 20, Duration.ofSeconds(30), Duration.ofSeconds(10));
        try (Served other = Served.by(Policy.of("remove " + directory + "/", "lookup service"),
                monitor -> monitor.limits(oneByOne)); Raw raw = new Raw(other.channel)) {
            raw.send(1, Duration.ofMillis(1), new RemoveTree(tree.toString()));
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.EXPIRED);
            raw.ask(new LookUp(LookUp.Kind.SERVICE, "http", ""));
            assertThat(tree).exists();
        }
    }

    @Test
    void a_removal_for_a_child_that_is_gone_goes_no_further() throws Exception {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (int i = 0; i < 30_000; i++)
            Files.createFile(tree.resolve("file-" + i));
        // A look at all of them would take as long as their removal.
        Path first;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(tree)) {
            first = files.iterator().next();
        }
        try (Served other = Served.by(Policy.of("remove " + directory + "/")); Raw raw = new Raw(other.channel)) {
            raw.send(1, new RemoveTree(tree.toString()));
            Call.until(() -> Files.notExists(first));
        }
        assertThat(tree).exists();
    }

    @Test
    void a_signal_for_a_program_that_does_not_run_reaches_nobody() throws Exception {
        hostile.send(4711, new Signal(9));
        assertThat(hostile.ask(open()).type()).isEqualTo(OperationProtocol.DESCRIPTOR);
    }

    @Test
    void a_request_begins_no_line_of_the_log_and_steers_no_terminal() throws Exception {
        String name = "/x\ny\u0085z\u009b2J\u2028\u2029\u202e";
        assertThat(hostile.ask(new RemoveTree(name)).type()).isEqualTo(OperationProtocol.REFUSED);
        assertThat(log.lines()).containsExactly("hostile is refused: no rule allows to remove /x?y?z?2J???");
    }

    @Test
    void a_refusal_of_the_largest_request_is_answered() throws Exception {
        try (Served other = Served.by(Policy.of("run user=64010 /bin/sh -c *")); Raw raw = new Raw(other.channel)) {
            java.util.List<String> arguments = java.util.Collections.nCopies(8170, "");
            try (Ibuf payload = new RunProgram("/bin/sh", arguments, java.util.List.of(), "",
                    java.util.List.of())
                    .payload(Duration.ZERO, 1 << 15)) {
                raw.send(Imsg.of(RunProgram.OPERATION.type(), 1, 0, payload));
            }
            assertThat(raw.receive().type()).isEqualTo(OperationProtocol.REFUSED);
        }
        assertThat(log.lines()).allMatch(line -> line.length() < 6000);
    }

    @Test
    void a_socket_name_too_long_is_the_childs_error_and_no_fault_of_the_monitors() throws Exception {
        try (Served other = Served.by(Policy.of("bind unix " + directory + "/")); Raw raw = new Raw(other.channel)) {
            String name = directory + "/" + "n".repeat(120);
            Imsg reply = raw.ask(new BindSocket(SocketKind.UNIX, name, 0, false, 1, 0600));
            assertThat(Fields.of(reply).n32("errno")).isEqualTo(org.imsg.unix.Errno.number("ENAMETOOLONG"));
        }
        assertThat(log.lines()).isEmpty();
    }
}
