package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.WireFormat;
import org.imsg.privsep.rights.DescriptorLimit;
import org.imsg.sys.OpenDescriptor;
import org.imsg.testing.Call;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.SentDescriptors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sending never waits, and nothing that was sent is lost or out of order. */
@Timeout(60)
class ConnectionTest {
    private static final byte[] LARGE = new byte[16_000];

    private Connection connection;
    private Fd other;

    @BeforeEach
    void connect() throws IOException {
        Fd.Pair ends = Fd.socketpair();
        connection = new Connection(ends.first(), "test", PeerBounds.USUAL);
        other = ends.second();
    }

    @AfterEach
    void close() throws IOException {
        connection.close();
        other.close();
    }

    @Test
    void a_peer_that_does_not_read_fills_a_queue_that_has_a_bound_and_loses_nothing_of_it() throws Exception {
        int sent = 0;
        PeerQueueFullException full = null;
        while (full == null) {
            try {
                connection.send(Imsg.of(1, sent, 0, LARGE));
                sent++;
                assertThat(sent).isLessThan(3000);
            } catch (PeerQueueFullException e) {
                full = e;
            }
        }
        assertThat(full).hasMessageStartingWith("test does not read: 41")
                .hasMessageContaining(" bytes and 0 descriptors");
        assertThat(sent).isGreaterThan((4 << 20) / 16_128 - 1);
        connection.endOutput();
        try (ImsgChannel peer = ImsgChannel.of(other)) {
            for (int i = 0; i < sent; i++)
                assertThat(peer.receive().id()).isEqualTo(i);
            assertThat(peer.receive()).as("the end, behind what was queued").isNull();
        }
    }

    /** The kernel closes what was not received together with the socket, in the thread that closes that. */
    @Test
    void a_close_waits_for_no_socket_that_the_peer_has_sent_to_linger() throws Exception {
        try (LingeringSocket lingering = new LingeringSocket(1000); ImsgChannel peer = ImsgChannel.of(other)) {
            peer.allowFdPassing().format(WireFormat.MODERN).send(Imsg.of(1).withFd(lingering.fd));
            assertThat(Call.start(Call.On.PLATFORM, () -> {
                connection.close();
                return "closed";
            }).result()).isEqualTo("closed");
        }
    }

    @Test
    void a_reader_waits_for_no_socket_that_the_peer_has_sent_to_linger() throws Exception {
        assertNoWaitAfter(message -> {});
    }

    @Test
    void a_handler_that_closes_a_socket_that_the_peer_has_sent_to_linger_does_not_wait() throws Exception {
        assertNoWaitAfter(message -> message.takeFd().close());
    }

    @Test
    void a_handler_that_closes_a_duplicate_of_such_a_socket_does_not_wait() throws Exception {
        assertNoWaitAfter(message -> {
            Fd own = message.takeFd();
            Fd same = own.dup();
            own.close();
            same.move().close();
        });
    }

    /** The sender keeps the socket, and so can have it linger at any time. */
    @Test
    void a_handler_does_not_wait_for_a_socket_that_is_told_to_linger_when_it_has_it() throws Exception {
        try (LingeringSocket lingering = new LingeringSocket(0)) {
            assertNoWaitAfter(lingering, message -> {
                try (Fd taken = message.takeFd()) {
                    lingering.linger(taken, 1000);
                }
            });
        }
    }

    private void assertNoWaitAfter(Handling handling) throws Exception {
        try (LingeringSocket lingering = new LingeringSocket(1000)) {
            assertNoWaitAfter(lingering, handling);
        }
    }

    /** Handles the message with the socket. */
    private interface Handling {
        void handle(Imsg message) throws IOException;
    }

    private void assertNoWaitAfter(LingeringSocket lingering, Handling handling) throws Exception {
        CompletableFuture<Integer> second = new CompletableFuture<>();
        connection.startReading(new Connection.Receiver() {
            @Override
            public void message(Imsg message) throws IOException {
                if (message.type() == 2)
                    second.complete(message.type());
                else
                    handling.handle(message);
            }

            @Override
            public void ended(Throwable fault) {
                if (fault != null)
                    second.completeExceptionally(fault);
            }
        });
        try (ImsgChannel peer = ImsgChannel.of(other)) {
            peer.allowFdPassing().format(WireFormat.MODERN).send(Imsg.of(1).withFd(lingering.fd));
            peer.send(Imsg.of(2));
            assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(2);
        }
    }

    /** A peer's socket that waits for another peer, which does not read, is closed by the thread that ends that one. */
    @Test
    void a_close_waits_for_no_socket_that_is_passed_on_from_another_peer() throws Exception {
        CompletableFuture<Fd> taken = new CompletableFuture<>();
        Fd.Pair ends = Fd.socketpair();
        try (Connection reader = new Connection(ends.first(), "reader", PeerBounds.USUAL);
                ImsgChannel peer = ImsgChannel.of(ends.second());
                LingeringSocket lingering = new LingeringSocket(1000)) {
            reader.startReading(new Connection.Receiver() {
                @Override
                public void message(Imsg message) {
                    taken.complete(message.takeFd());
                }

                @Override
                public void ended(Throwable fault) {
                    // with the test
                }
            });
            peer.allowFdPassing().format(WireFormat.MODERN).send(Imsg.of(1).withFd(lingering.fd));
            fillSocket();
            connection.send(Imsg.of(2).withFd(taken.get(20, TimeUnit.SECONDS)));
            assertThat(Call.start(Call.On.PLATFORM, () -> {
                connection.close();
                return "closed";
            }).result()).isEqualTo("closed");
        }
    }

    @Test
    void a_peer_that_does_not_read_is_sent_few_descriptors_and_the_receiver_is_told() throws Exception {
        CompletableFuture<PeerQueueFullException> told = new CompletableFuture<>();
        connection.startReading(new Connection.Receiver() {
            @Override
            public void message(Imsg message) {
                throw new AssertionError(message);
            }

            @Override
            public void full(PeerQueueFullException reason) {
                told.complete(reason);
            }

            @Override
            public void ended(Throwable fault) {
                // with the test
            }
        });
        fillSocket();
        try (Fd file = Fd.open(Path.of("/dev/null"))) {
            for (int i = 0; i < PeerBounds.USUAL.queuedDescriptors(); i++)
                connection.send(Imsg.of(2).withFd(file.dup()));
            try (Imsg oneMore = Imsg.of(2).withFd(file.dup())) {
                assertThatExceptionOfType(PeerQueueFullException.class).isThrownBy(() -> connection.send(oneMore))
                        .withMessageEndingWith("64 descriptors are queued for it").isSameAs(told.join());
            }
            connection.send(Imsg.of(3));
        }
    }

    private void fillSocket() throws IOException {
        for (int i = 0; i < 100; i++)
            connection.send(Imsg.of(1, i, 0, LARGE));
    }

    @Test
    void descriptors_that_wait_behind_a_full_socket_arrive_too() throws Exception {
        fillSocket();
        try (Fd file = Fd.open(Path.of("/dev/null")); ImsgChannel peer = ImsgChannel.of(other).allowFdPassing()) {
            connection.send(Imsg.of(2).withFd(file.dup()));
            for (int i = 0; i < 100; i++)
                peer.receive().close();
            try (Imsg last = peer.receive(); Fd arrived = last.takeFd()) {
                assertThat(last.type()).isEqualTo(2);
                assertThat(arrived).isNotNull();
            }
        }
    }

    /** A duplicate is passed on. */
    @Test
    void what_another_peer_has_sent_waits_until_a_descriptor_is_free_and_arrives() throws Exception {
        fillSocket();
        BooleanSupplier isNext = () -> connection.figures().get("queued-bytes")
                .equals(Integer.toString(PeerBounds.MESSAGE_OVERHEAD));
        // Once before: with a full table no class can be loaded.
        Call.until(() -> !isNext.getAsBoolean());
        assertThat(new ErrnoException("dup", 24).name()).isEqualTo("EMFILE");
        try (SentDescriptors others = new SentDescriptors("others", 1);
                ImsgChannel peer = ImsgChannel.of(other).allowFdPassing()) {
            Fd sent = Fd.open(Path.of("/dev/null"));
            others.adopt(sent);
            connection.send(Imsg.of(2).withFd(sent));
            OpenDescriptor.prepareWaiting();
            DescriptorLimit.whileNoneIsFree(() -> {
                for (int i = 0; i < 100; i++)
                    peer.receive().close();
                Call.until(isNext);
                return null;
            });
            try (Imsg last = peer.receive(); Fd arrived = last.takeFd()) {
                assertThat(last.type()).isEqualTo(2);
                assertThat(arrived).isNotNull();
            }
        }
    }

    @Test
    void descriptors_that_wait_are_closed_with_it() throws Exception {
        fillSocket();
        try (Fd.Pair pipe = Fd.pipe(); FdChannel reader = new FdChannel(pipe.first())) {
            connection.send(Imsg.of(2).withFd(pipe.second()));
            connection.close();
            // The end comes when the last writing end is closed.
            assertThat(reader.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
        assertThat(connection.isOpen()).isFalse();
    }

    @Test
    void after_its_end_nothing_can_be_sent() throws Exception {
        connection.endOutput();
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> connection.send(Imsg.of(1)));
    }

    @Test
    void what_cannot_be_a_message_is_a_fault_and_an_end_in_the_middle_of_one_is_not() throws Exception {
        assertThat(faultAfter(new byte[16])).isInstanceOf(ImsgProtocolException.class);
        connection.close();
        connect();
        assertThat(faultAfter(new byte[7])).isNull();
    }

    private Throwable faultAfter(byte[] bytes) throws Exception {
        CompletableFuture<Throwable> fault = new CompletableFuture<>();
        connection.startReading(new Connection.Receiver() {
            @Override
            public void message(Imsg message) {
                throw new AssertionError(message);
            }

            @Override
            public void ended(Throwable what) {
                fault.complete(what);
            }
        });
        try (FdChannel peer = new FdChannel(other)) {
            peer.write(ByteBuffer.wrap(bytes));
        }
        return fault.join();
    }
}
