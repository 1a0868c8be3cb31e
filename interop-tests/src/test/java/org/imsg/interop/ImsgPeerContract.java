package org.imsg.interop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.imsg.DescriptorState;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a transport must do against imsg-peer, a C program written to imsg(3): in both wire formats, over a socketpair and
 * over a listening socket of either side. That nothing is left open on our side is checked after every test.
 */
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("wirings")
@Timeout(60)
abstract class ImsgPeerContract {
    private static final int MAX = 16368;
    private static final int HEADER = 16;
    private static final byte[] EMPTY = {};
    private static final byte[] GOOD = "good".getBytes(UTF_8);

    @Parameter(0)
    WireFormat format;
    @Parameter(1)
    Wiring wiring;
    @TempDir
    Path directory;

    private Wiring.Connection connection;
    private CPeer peer;
    private Transport channel;

    abstract Transport.Kind kind();

    static Stream<Arguments> wirings() {
        return Stream.of(WireFormat.CLASSIC, WireFormat.MODERN)
                .flatMap(format -> Arrays.stream(Wiring.values()).map(wiring -> Arguments.of(format, wiring)));
    }

    @AfterEach
    void disconnect() throws IOException {
        if (connection != null)
            connection.close();
    }

    // Messages

    @ParameterizedTest
    @ValueSource(strings = {"echo", "pingpong"})
    void an_echo_of_every_size_comes_back_as_it_was(String mode) throws Exception {
        start(mode);
        for (int size : sizes().toArray()) {
            byte[] payload = random(size, size);
            channel.send(size, -size, 4711, null, payload);
            Message echo = channel.receive();
            assertThat(echo).returns(size, Message::type).returns(-size, Message::id).returns(4711, Message::pid)
                    .returns(DescriptorState.NONE, Message::descriptor);
            assertThat(echo.payload()).isEqualTo(payload);
        }
        assertEndsQuietly();
    }

    @Test
    void every_field_of_a_header_is_unsigned_and_of_32_bits() throws Exception {
        start("-t", "0xffffffff", "-i", "0x80000000", "-p", "0xfffffffe", "source");
        assertThat(channel.receive()).returns(0xffffffff, Message::type).returns(0x80000000, Message::id)
                .returns(0xfffffffe, Message::pid);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void pid_0_is_sent_as_the_pid_of_the_sender() throws Exception {
        start("echo");
        channel.send(1, 0, 0, null, EMPTY);
        assertThat(channel.receive().pid()).isEqualTo((int) ProcessHandle.current().pid());
        restart("source");
        assertThat(channel.receive().pid()).isEqualTo(peer.pid());
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void every_message_of_a_source_arrives_in_order(int size) throws Exception {
        start("-n", "300", "-z", String.valueOf(size), "-t", "9", "source");
        for (int k = 0; k < 300; k++) {
            Message message = channel.receive();
            assertThat(message).returns(9, Message::type).returns(k, Message::id).returns(peer.pid(), Message::pid);
            assertThat(message.payload()).isEqualTo(pattern(k, size));
        }
        assertThat(channel.receive()).isNull();
        assertThat(peer.awaitEnd()).isEqualTo(CPeer.End.QUIET);
    }

    @Test
    void a_sink_counts_and_sums_what_was_sent() throws Exception {
        start("sink");
        Random random = new Random(11);
        long bytes = 0;
        long sum = 0;
        for (int i = 0; i < 2000; i++) {
            byte[] payload = random(i, i % 100 == 0 ? MAX : random.nextInt(600));
            bytes += payload.length;
            for (byte b : payload)
                sum += b & 0xff;
            channel.send(i, i, 0, i % 10 == 0 ? Fd.open(Path.of("/dev/null")) : null, payload);
        }
        channel.close();
        assertThat(peer.awaitEnd()).isEqualTo(
                new CPeer.End(0, 0, "messages=2000 bytes=" + bytes + " descriptors=200 sum=" + sum + "\n", ""));
    }

    @Test
    void a_payload_of_16369_bytes_is_refused_here_and_the_channel_goes_on() throws Exception {
        start("echo");
        assertThatExceptionOfType(ImsgTooLargeException.class)
                .isThrownBy(() -> channel.send(1, 0, 0, null, new byte[MAX + 1]))
                .returns(16369L, ImsgTooLargeException::size).returns(16368L, ImsgTooLargeException::limit);
        channel.send(2, 0, 0, null, EMPTY);
        assertThat(channel.receive().type()).isEqualTo(2);
        assertEndsQuietly();
    }

    @Test
    void a_payload_of_16369_bytes_is_refused_by_the_C_sender() throws Exception {
        start("-z", "16369", "source");
        assertThat(channel.receive()).isNull();
        assertThat(peer.awaitEnd()).returns(1, CPeer.End::code).extracting(CPeer.End::err).asString()
                .contains("compose 16369 bytes");
    }

    @Test
    void a_payload_of_16369_bytes_from_a_sender_with_a_higher_limit_is_refused_here() throws Exception {
        start("-m", "16369", "-z", "16369", "source");
        assertProtocolError(16385);
    }

    @Test
    void a_payload_of_16369_bytes_is_refused_by_the_C_receiver_after_answering_what_came_before() throws Exception {
        start(settings().maxPayload(MAX + 1), "echo");
        channel.send(1, 0, 0, null, EMPTY);
        channel.send(2, 0, 0, null, new byte[MAX + 1]);
        assertThat(channel.receive().type()).isEqualTo(1);
        assertThat(peer.awaitEnd()).returns(3, CPeer.End::code).extracting(CPeer.End::err).asString()
                .contains("protocol error");
    }

    @ParameterizedTest
    @EnumSource(value = WireFormat.class, names = {"CLASSIC", "MODERN"})
    void payloads_up_to_65519_bytes_pass_where_both_sides_allow_them(WireFormat assumed) throws Exception {
        start(Transport.Settings.autoAssuming(assumed).maxPayload(65519), "-m", "65519", "echo");
        byte[] payload = random(5, 65519);
        channel.send(1, 0, 0, null, payload);
        assertThat(channel.receive().payload()).isEqualTo(payload);
        assertEndsQuietly();
    }

    @Test
    void all_can_be_sent_before_anything_is_received() throws Exception {
        start("echo");
        for (int i = 0; i < 1500; i++)
            channel.send(i, 0, 0, null, pattern(i, MAX));
        channel.shutdownOutput();
        for (int i = 0; i < 1500; i++) {
            Message echo = channel.receive();
            assertThat(echo.type()).isEqualTo(i);
            assertThat(Arrays.equals(echo.payload(), pattern(i, MAX))).isTrue();
        }
        assertThat(channel.receive()).isNull();
    }

    /** How many messages a load is, each of 8 KiB on average. */
    int load() {
        return 5000;
    }

    @Test
    void a_load_of_messages_and_descriptors_passes_both_ways_at_once() throws Exception {
        start("echo");
        int count = load();
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Callable<Void> send = () -> {
                Random random = new Random(3);
                for (int i = 0; i < count; i++)
                    channel.send(i, 0, 0, i % 50 == 0 ? Fd.open(Path.of("/dev/zero")) : null,
                            pattern(i, random.nextInt(MAX + 1)));
                channel.shutdownOutput();
                return null;
            };
            Future<Void> sent = threads.submit(send);
            Random same = new Random(3);
            for (int i = 0; i < count; i++) {
                try (Message echo = channel.receive()) {
                    assertThat(echo.type()).isEqualTo(i);
                    assertThat(echo.descriptor())
                            .isEqualTo(i % 50 == 0 ? DescriptorState.PRESENT : DescriptorState.NONE);
                    assertThat(Arrays.equals(echo.payload(), pattern(i, same.nextInt(MAX + 1)))).isTrue();
                }
            }
            assertThat(channel.receive()).isNull();
            sent.get();
        }
        assertThat(peer.awaitEnd()).isEqualTo(CPeer.End.QUIET);
    }

    // Descriptors

    @Test
    void descriptors_from_C_open_the_files_the_messages_name() throws Exception {
        Path one = file("one");
        Path two = file("two");
        start("-n", "100", "sendfd", one.toString(), two.toString());
        for (int i = 0; i < 200; i++) {
            try (Message message = channel.receive()) {
                assertThat(message).returns(i, Message::id).returns(DescriptorState.PRESENT, Message::descriptor);
                assertThat(message.text()).isEqualTo((i % 2 == 0 ? one : two).toString());
                assertThat(isCloseOnExec(message.fd())).isTrue();
                assertThat(read(message.fd())).isEqualTo(i % 2 == 0 ? "one" : "two");
            }
        }
        assertThat(channel.receive()).isNull();
    }

    @Test
    void c_writes_into_a_pipe_and_a_file_that_were_passed_to_it() throws Exception {
        start("recvfd", "written by C");
        Path file = directory.resolve("to-be-written");
        try (Fd.Pair pipe = Fd.pipe()) {
            channel.send(10, 1, 0, pipe.second(), EMPTY);
            assertThat(pipe.second().isOpen()).isFalse();
            assertThat(channel.receive()).returns(11, Message::type).returns(1, Message::id);
            assertThat(read(pipe.first())).isEqualTo("written by C");
        }
        channel.send(20, 2, 0, Fd.open(file, OpenFlag.WRITE, OpenFlag.CREATE_NEW), "with a payload".getBytes(UTF_8));
        assertThat(channel.receive()).returns(21, Message::type).returns(2, Message::id);
        assertThat(file).hasContent("written by C");
        channel.send(30, 3, 0, null, EMPTY);
        assertThat(channel.receive()).returns(32, Message::type).returns(3, Message::id);
        assertEndsQuietly();
    }

    @Test
    void an_echoed_descriptor_is_the_same_open_file() throws Exception {
        start("echo");
        try (Fd.Pair pipe = Fd.pipe()) {
            channel.send(1, 0, 0, pipe.second(), EMPTY);
            try (Message echo = channel.receive(); FdChannel received = new FdChannel(echo.fd())) {
                received.write(ByteBuffer.wrap(GOOD));
            }
            assertThat(read(pipe.first())).isEqualTo("good");
        }
        assertEndsQuietly();
    }

    @Test
    void no_descriptor_is_left_open_in_the_C_peer_nor_inherited_by_it() throws Exception {
        start("count-fds");
        for (int i = 0; i < 200; i++) {
            channel.send(i, 0, 0, Fd.open(Path.of("/dev/null")), EMPTY);
            byte[] count = channel.receive().payload();
            // Standard input, output and error, and the socket: what this JVM has open stays here.
            assertThat(ByteBuffer.wrap(count).order(ByteOrder.nativeOrder()).getInt()).isEqualTo(4);
        }
        assertEndsQuietly();
    }

    @Test
    void a_descriptor_for_a_channel_that_does_not_allow_them_is_reported_lost() throws Exception {
        start(settings().withoutDescriptors(), "-n", "20", "misbehave", "flood");
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        for (int i = 0; i < 20; i++)
            assertThat(channel.receive()).returns(i, Message::id).returns(DescriptorState.LOST, Message::descriptor)
                    .returns(null, Message::fd);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void a_channel_with_format_auto_passes_descriptors_both_ways() throws Exception {
        start(Transport.Settings.autoAssuming(format), "echo");
        for (int i = 0; i < 3; i++) {
            channel.send(i, 0, 0, Fd.open(Path.of("/dev/null")), GOOD);
            try (Message echo = channel.receive()) {
                assertThat(echo).returns(i, Message::type).returns(DescriptorState.PRESENT, Message::descriptor);
                assertThat(echo.payload()).isEqualTo(GOOD);
            }
        }
        assertEndsQuietly();
    }

    // Messages in pieces

    @ParameterizedTest(name = "at byte {0}")
    @MethodSource("cuts")
    void a_message_cut_anywhere_arrives_whole(int at) throws Exception {
        start("-z", "8", "-t", "5", "split", String.valueOf(at));
        try (Message message = receiveInTwoParts(at)) {
            assertThat(message).returns(5, Message::type).returns(DescriptorState.NONE, Message::descriptor);
            assertThat(message.payload()).isEqualTo(pattern(0, 8));
        }
        assertThat(channel.receive()).returns(6, Message::type);
        assertThat(channel.receive()).isNull();
    }

    @ParameterizedTest(name = "at byte {0}")
    @MethodSource("cuts")
    void a_message_cut_anywhere_keeps_its_descriptor(int at) throws Exception {
        start("-z", "8", "-t", "5", "split", String.valueOf(at), file("cut").toString());
        try (Message message = receiveInTwoParts(at)) {
            assertThat(message).returns(5, Message::type).returns(DescriptorState.PRESENT, Message::descriptor);
            assertThat(message.payload()).isEqualTo(pattern(0, 8));
            assertThat(read(message.fd())).isEqualTo("cut");
        }
        assertThat(channel.receive()).returns(6, Message::type).returns(DescriptorState.NONE, Message::descriptor);
        assertThat(channel.receive()).isNull();
    }

    /** Not what imsg(3) sends. Nothing comes after it that could bring the descriptor to light. */
    @Test
    void a_descriptor_that_comes_with_the_rest_of_a_header_is_the_messages() throws Exception {
        Path late = file("late");
        for (int at = 1; at < HEADER; at++) {
            start("-z", "8", "-t", "5", "late", String.valueOf(at), late.toString());
            try (Message message = receiveInTwoParts(at)) {
                assertThat(message).returns(5, Message::type).returns(DescriptorState.PRESENT, Message::descriptor);
                assertThat(message.payload()).isEqualTo(pattern(0, 8));
                assertThat(read(message.fd())).isEqualTo("late");
            }
            peer.go();
            assertThat(channel.receive()).isNull();
            disconnect();
        }
    }

    @ParameterizedTest(name = "{0} bytes a write")
    @ValueSource(ints = {1, 2, 7, 15, 16, 17, 115, 116})
    void a_message_that_dribbles_in_arrives_whole(int piece) throws Exception {
        start("-z", "100", "dribble", String.valueOf(piece));
        assertThat(channel.receive().payload()).isEqualTo(pattern(0, 100));
        assertThat(channel.receive()).isNull();
        restart("-z", "100", "dribble", String.valueOf(piece), file("dribbled").toString());
        try (Message message = channel.receive()) {
            assertThat(message.payload()).isEqualTo(pattern(0, 100));
            assertThat(read(message.fd())).isEqualTo("dribbled");
        }
        assertThat(channel.receive()).isNull();
    }

    // Misbehaviour: each after a good message

    @Test
    void a_length_under_the_headers_is_a_protocol_error_after_the_good_message() throws Exception {
        misbehave("short-length");
        assertProtocolError(15);
    }

    @Test
    void a_length_of_0_is_a_protocol_error_after_the_good_message() throws Exception {
        misbehave("zero-length");
        assertProtocolError(0);
    }

    @Test
    void a_length_over_the_limit_is_a_protocol_error_after_the_good_message() throws Exception {
        misbehave("long-length");
        assertProtocolError(16385);
    }

    @Test
    void the_largest_length_is_a_protocol_error_after_the_good_message() throws Exception {
        misbehave("huge-length");
        assertProtocolError(format == WireFormat.CLASSIC ? 0xffff : 0x7fffffff);
    }

    @Test
    void a_mark_without_a_descriptor_is_reported_as_missing() throws Exception {
        misbehave("mark-without-fd");
        assertNext(DescriptorState.MISSING);
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void a_descriptor_without_a_mark_is_closed_and_the_message_has_none() throws Exception {
        misbehave("fd-without-mark");
        assertNext(DescriptorState.NONE);
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void of_two_descriptors_the_message_has_the_first() throws Exception {
        misbehave("two-fds");
        assertNext(DescriptorState.PRESENT);
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void a_descriptor_without_a_mark_is_not_given_to_a_later_marked_message() throws Exception {
        misbehave("fd-then-late-mark");
        assertNext(DescriptorState.NONE);
        assertNext(DescriptorState.MISSING);
        assertThat(channel.receive()).isNull();
    }

    @Test
    void an_end_inside_a_header_is_an_error_of_its_own() throws Exception {
        misbehave("die-in-header");
        assertEof(8, 16);
    }

    @Test
    void an_end_inside_a_payload_is_an_error_of_its_own() throws Exception {
        misbehave("die-in-payload");
        assertEof(26, 116);
    }

    @Test
    void a_peer_that_ends_without_reading_is_a_reset() throws Exception {
        misbehave("reset");
        channel.send(1, 0, 0, null, GOOD);
        assertReset(channel::receive);
        assertGone(() -> channel.send(1, 0, 0, null, GOOD));
    }

    /** How receiving ends when the peer has gone without reading. */
    void assertReset(Callable<Message> receive) throws Exception {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(receive::call).returns("ECONNRESET",
                ErrnoException::name);
    }

    /** How sending fails once the peer is known to be gone: the kernel says it, unless the transport has closed itself. */
    void assertGone(ThrowingCallable send) {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(send).returns("EPIPE", ErrnoException::name);
    }

    @Test
    void a_flood_of_descriptors_is_delivered_one_by_one() throws Exception {
        start("-n", "3000", "misbehave", "flood");
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        for (int i = 0; i < 3000; i++) {
            try (Message message = channel.receive()) {
                assertThat(message).returns(i, Message::id).returns(DescriptorState.PRESENT, Message::descriptor);
            }
        }
        assertThat(channel.receive()).isNull();
    }

    @Test
    void descriptors_that_nobody_received_are_closed_with_the_channel() throws Exception {
        long before = openOnDevNull();
        start("-n", "50", "misbehave", "flood");
        assertThat(peer.awaitEnd()).isEqualTo(CPeer.End.QUIET);
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
        channel.close();
        // At once: not when the garbage collector finds them.
        assertThat(openOnDevNull()).isEqualTo(before);
    }

    // How they are set up and looked at

    private void start(String... mode) throws IOException {
        start(settings(), mode);
    }

    private void start(Transport.Settings settings, String... mode) throws IOException {
        // A socket's address has room for about a hundred bytes: the shorter way there is from where both of us are.
        Path socket = Path.of("").toAbsolutePath().relativize(directory.toAbsolutePath()).resolve("s");
        connection = wiring.connect(kind(), settings, format, socket, mode);
        peer = connection.peer();
        channel = connection.channel();
    }

    private void restart(String... mode) throws IOException {
        disconnect();
        start(mode);
    }

    private Transport.Settings settings() {
        return Transport.Settings.of(format);
    }

    private void misbehave(String kind) throws IOException {
        start("misbehave", kind);
        assertThat(channel.receive().payload()).isEqualTo(GOOD);
    }

    /** The next message of the mode split, of which the first part is seen to be here before the second is sent. */
    private Message receiveInTwoParts(int at) throws IOException {
        if (at > 0 && at < HEADER + 8) {
            assertThat(channel.receiveArrived()).isEmpty();
            peer.go();
        }
        return channel.receive();
    }

    private void assertNext(DescriptorState descriptor) throws IOException {
        try (Message message = channel.receive()) {
            assertThat(message.descriptor()).isEqualTo(descriptor);
            assertThat(message.payload()).isEmpty();
        }
    }

    /** The error names the numbers, and comes every time. */
    private void assertProtocolError(long length) {
        for (int i = 0; i < 2; i++)
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::receive)
                    .returns(length, ImsgProtocolException::length).returns(16384, ImsgProtocolException::limit)
                    .withMessageContaining("length " + length).withMessageContaining("16 to 16384");
    }

    private void assertEof(int received, int expected) {
        for (int i = 0; i < 2; i++)
            assertThatExceptionOfType(ImsgEofException.class).isThrownBy(channel::receive)
                    .returns(received, ImsgEofException::received).returns(expected, ImsgEofException::expected)
                    .withMessageContaining(received + " of the " + expected + " bytes");
    }

    /** When we have said that nothing more comes, nothing more comes back, and the peer is content. */
    private void assertEndsQuietly() throws Exception {
        channel.shutdownOutput();
        assertThat(channel.receive()).isNull();
        assertThat(peer.awaitEnd()).isEqualTo(CPeer.End.QUIET);
    }

    private Path file(String content) throws IOException {
        return Files.writeString(directory.resolve(content), content);
    }

    /** Everything up to the end, from where the descriptor is; it is handed to the reader. */
    private static String read(Fd fd) throws IOException {
        try (FdChannel reader = new FdChannel(fd)) {
            return new String(Channels.newInputStream(reader).readAllBytes(), UTF_8);
        }
    }

    private static boolean isCloseOnExec(Fd fd) throws IOException {
        String flags = Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.intValue())).stream()
                .filter(line -> line.startsWith("flags:")).findFirst().orElseThrow();
        return (Integer.parseInt(flags.substring("flags:".length()).strip(), 8) & 02000000) != 0;
    }

    private static long openOnDevNull() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(ImsgPeerContract::isDevNull).count();
        }
    }

    private static boolean isDevNull(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).equals(Path.of("/dev/null"));
        } catch (IOException _) {
            return false; // that of the listing itself
        }
    }

    private static byte[] pattern(int k, int size) {
        byte[] bytes = new byte[size];
        for (int j = 0; j < size; j++)
            bytes[j] = (byte) (k + j);
        return bytes;
    }

    private static byte[] random(long seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static IntStream sizes() {
        return IntStream.of(0, 1, 15, 16, 17, 16367, 16368);
    }

    static IntStream cuts() {
        return IntStream.rangeClosed(0, HEADER + 8);
    }
}
