package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EBADF;
import static org.imsg.sys.Constants.EPIPE;
import static org.imsg.sys.Constants.MSG_DONTWAIT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MsghdrTest {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = Posix.errnoSegment(arena);
    private final MemorySegment buffer = arena.allocate(4096);
    private final Msghdr sender = Msghdr.forSend(arena);
    private final Msghdr receiver = Msghdr.forReceive(true, arena);
    private Fd.Pair sockets;
    private int from;
    private int to;
    /** Its writing end is what is passed: once nobody holds that any more, the reading end comes to its end. */
    private Fd.Pair witness;

    @BeforeEach
    void open() throws IOException {
        sockets = Fd.socketpair();
        from = sockets.first().intValue();
        to = sockets.second().intValue();
        witness = Fd.pipe();
    }

    @AfterEach
    void close() {
        sockets.close();
        witness.close();
        arena.close();
    }

    private int send(String text, int descriptor) {
        byte[] bytes = text.getBytes(UTF_8);
        MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, 0, bytes.length);
        return sender.send(from, buffer.address(), bytes.length, descriptor, MSG_DONTWAIT);
    }

    private String receive(Msghdr header) {
        int n = header.receive(to, buffer.address(), 4096, MSG_DONTWAIT);
        assertThat(n).isNotNegative();
        return new String(buffer.asSlice(0, n).toArray(JAVA_BYTE), UTF_8);
    }

    /** Closes our own writing end: another that was forgotten somewhere would keep the pipe from its end. */
    private boolean nobodyElseHoldsTheWitness() {
        witness.second().close();
        Posix.fcntl(witness.first().intValue(), Constants.F_SETFL, Constants.O_NONBLOCK);
        return Posix.read(witness.first().intValue(), buffer.address(), 1) == 0;
    }

    private boolean isCloseOnExec(int fd) {
        return (Posix.fcntl(fd, Constants.F_GETFD, 0) & Constants.FD_CLOEXEC) != 0;
    }

    @Test
    void bytes_arrive_without_a_descriptor() {
        assertThat(send("hello", -1)).isEqualTo(5);
        assertThat(receive(receiver)).isEqualTo("hello");
        assertThat(receiver.descriptorCount()).isZero();
        assertThat(receiver.controlTruncated()).isFalse();
    }

    @Test
    void a_descriptor_arrives_with_its_bytes_as_another_number_of_the_same_open_file_close_on_exec() {
        int passed = witness.second().intValue();
        assertThat(send("hello", passed)).isEqualTo(5);
        assertThat(receive(receiver)).isEqualTo("hello");
        assertThat(receiver.descriptorCount()).isEqualTo(1);
        try (Fd received = Fd.of(receiver.descriptor(0))) {
            assertThat(received.intValue()).isNotEqualTo(passed);
            assertThat(isCloseOnExec(received.intValue())).isTrue();
            RunningPoller.put(received, 77);
            assertThat(RunningPoller.take(witness.first())).isEqualTo(77);
        }
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void the_sent_descriptor_stays_the_senders() {
        send("hello", witness.second().intValue());
        receive(receiver);
        Fd.of(receiver.descriptor(0)).close();
        RunningPoller.put(witness.second(), 1);
        assertThat(RunningPoller.take(witness.first())).isEqualTo(1);
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void a_receive_forgets_the_descriptors_of_the_one_before() {
        send("one", witness.second().intValue());
        receive(receiver);
        Fd.of(receiver.descriptor(0)).close();
        send("two", -1);
        assertThat(receive(receiver)).isEqualTo("two");
        assertThat(receiver.descriptorCount()).isZero();
        assertThat(receiver.receive(to, buffer.address(), 10, MSG_DONTWAIT)).isEqualTo(-EAGAIN);
        assertThat(receiver.descriptorCount()).isZero();
    }

    @Test
    void a_send_without_a_descriptor_does_not_repeat_the_one_before() {
        send("one", witness.second().intValue());
        assertThat(send("two", -1)).isEqualTo(3);
        assertThat(receive(receiver)).isEqualTo("one");
        Fd.of(receiver.descriptor(0)).close();
        assertThat(receive(receiver)).isEqualTo("two");
        assertThat(receiver.descriptorCount()).isZero();
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void as_many_descriptors_as_linux_takes_in_one_message_all_arrive_and_can_be_closed() {
        sendMany(253);
        assertThat(receive(receiver)).isEqualTo("x");
        assertThat(receiver.controlTruncated()).isFalse();
        assertThat(receiver.descriptorCount()).isEqualTo(253);
        Set<Integer> numbers = new HashSet<>();
        for (int i = 0; i < 253; i++)
            numbers.add(receiver.descriptor(i));
        assertThat(numbers).hasSize(253);
        for (int number : numbers) {
            assertThat(isCloseOnExec(number)).isTrue();
            assertThat(Posix.close(number)).isZero();
        }
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void a_header_that_has_received_many_descriptors_receives_few_again() {
        sendMany(5);
        receive(receiver);
        for (int i = 0; i < 5; i++)
            Posix.close(receiver.descriptor(i));
        send("one", witness.second().intValue());
        receive(receiver);
        assertThat(receiver.descriptorCount()).isEqualTo(1);
        Posix.close(receiver.descriptor(0));
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void where_descriptors_are_not_allowed_the_bytes_come_the_loss_is_told_and_nothing_leaks() {
        send("hello", witness.second().intValue());
        Msghdr without = Msghdr.forReceive(false, arena);
        assertThat(receive(without)).isEqualTo("hello");
        assertThat(without.descriptorCount()).isZero();
        assertThat(without.controlTruncated()).isTrue();
        assertThat(nobodyElseHoldsTheWitness()).isTrue();
    }

    @Test
    void a_loss_is_told_of_the_receive_it_happened_in_only() {
        send("one", witness.second().intValue());
        Msghdr without = Msghdr.forReceive(false, arena);
        receive(without);
        assertThat(without.receive(to, buffer.address(), 10, MSG_DONTWAIT)).isEqualTo(-EAGAIN);
        assertThat(without.controlTruncated()).isFalse();
        send("two", -1);
        receive(without);
        assertThat(without.controlTruncated()).isFalse();
    }

    @Test
    void linux_ends_a_receive_behind_the_bytes_that_came_with_a_descriptor() {
        send("before ", -1);
        send("with ", witness.second().intValue());
        send("after", -1);
        assertThat(receive(receiver)).isEqualTo("before with ");
        assertThat(receiver.descriptorCount()).isEqualTo(1);
        Posix.close(receiver.descriptor(0));
        assertThat(receive(receiver)).isEqualTo("after");
    }

    @Test
    void no_more_bytes_are_received_than_asked_for() {
        send("hello", -1);
        assertThat(receiver.receive(to, buffer.address(), 2, MSG_DONTWAIT)).isEqualTo(2);
        assertThat(receive(receiver)).isEqualTo("llo");
    }

    @Test
    void the_end_of_the_stream_is_0_and_nothing_there_is_eagain() {
        assertThat(receiver.receive(to, buffer.address(), 10, MSG_DONTWAIT)).isEqualTo(-EAGAIN);
        sockets.first().close();
        assertThat(receiver.receive(to, buffer.address(), 10, MSG_DONTWAIT)).isZero();
    }

    @Test
    void sending_to_nobody_is_epipe_and_no_signal() {
        sockets.second().close();
        assertThat(send("hello", -1)).isEqualTo(-EPIPE);
    }

    @Test
    void sending_a_descriptor_that_is_not_open_is_ebadf_and_sends_no_bytes() {
        assertThat(send("hello", 1_000_000)).isEqualTo(-EBADF);
        assertThat(receiver.receive(to, buffer.address(), 10, MSG_DONTWAIT)).isEqualTo(-EAGAIN);
    }

    /** The witness's writing end that many times with one byte: what only a peer that is not ours sends. */
    private void sendMany(int count) {
        Abi abi = Abi.host();
        int align = abi.value("cmsg:align");
        int data = (abi.value("cmsghdr:size") + align - 1) / align * align;
        int space = data + (4 * count + align - 1) / align * align;
        MemorySegment control = arena.allocate(space, 8);
        number(control, abi, "cmsghdr.cmsg_len", data + 4 * count);
        control.set(JAVA_INT, abi.value("cmsghdr.cmsg_level:offset"), Constants.SOL_SOCKET);
        control.set(JAVA_INT, abi.value("cmsghdr.cmsg_type:offset"), Constants.SCM_RIGHTS);
        for (int i = 0; i < count; i++)
            control.set(JAVA_INT, data + 4L * i, witness.second().intValue());
        MemorySegment iovec = arena.allocate(abi.value("iovec:size"), 8);
        iovec.set(JAVA_LONG, abi.value("iovec.iov_base:offset"), arena.allocateFrom("x").address());
        iovec.set(JAVA_LONG, abi.value("iovec.iov_len:offset"), 1);
        MemorySegment header = arena.allocate(abi.value("msghdr:size"), 8);
        header.set(JAVA_LONG, abi.value("msghdr.msg_iov:offset"), iovec.address());
        number(header, abi, "msghdr.msg_iovlen", 1);
        header.set(JAVA_LONG, abi.value("msghdr.msg_control:offset"), control.address());
        number(header, abi, "msghdr.msg_controllen", space);
        assertThat(Posix.sendmsg(errno, from, header.address(), 0)).isEqualTo(1);
    }

    private static void number(MemorySegment struct, Abi abi, String member, int value) {
        if (abi.value(member + ":width") == 8)
            struct.set(JAVA_LONG, abi.value(member + ":offset"), value);
        else
            struct.set(JAVA_INT, abi.value(member + ":offset"), value);
    }

    @Test
    void bytes_from_several_places_go_with_one_call_and_the_next_is_a_plain_one_again() {
        MemorySegment pieces = arena.allocate(32, 8);
        MemorySegment left = arena.allocateFrom("left ");
        MemorySegment right = arena.allocateFrom("right");
        pieces.set(JAVA_LONG, 0, left.address());
        pieces.set(JAVA_LONG, 8, 5);
        pieces.set(JAVA_LONG, 16, right.address());
        pieces.set(JAVA_LONG, 24, 5);
        assertThat(sender.sendGathered(from, pieces.address(), 2, MSG_DONTWAIT)).isEqualTo(10);
        assertThat(receive(receiver)).isEqualTo("left right");
        assertThat(receiver.descriptorCount()).isZero();

        assertThat(send("with a descriptor", witness.second().intValue())).isEqualTo(17);
        assertThat(receive(receiver)).isEqualTo("with a descriptor");
        assertThat(receiver.descriptorCount()).isEqualTo(1);
        Fd.of(receiver.descriptor(0)).close();
        assertThat(sender.sendGathered(from, pieces.address(), 1, MSG_DONTWAIT)).isEqualTo(5);
        assertThat(receive(receiver)).isEqualTo("left ");
        assertThat(receiver.descriptorCount()).isZero();
    }
}
