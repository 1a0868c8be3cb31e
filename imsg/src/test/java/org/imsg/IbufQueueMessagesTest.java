package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.nio.file.Path;
import org.imsg.unix.Fd;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Received messages in an IbufQueue: imsg_ibufq_push and imsg_ibufq_pop. */
@Timeout(60)
class IbufQueueMessagesTest {
    @Test
    void a_received_message_waits_in_a_queue_and_comes_out_unread(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        try (var pair = ImsgChannel.pair(); IbufQueue later = new IbufQueue()) {
            pair.first().format(WireFormat.MODERN).allowFdPassing()
                    .send(Imsg.of(1, 2, 3, "later".getBytes(UTF_8)).withFd(witness.open()));
            Imsg message = pair.second().allowFdPassing().receive();
            assertThat(message.getString(3)).isEqualTo("lat");
            later.push(message);
            assertThat(message.hasFd()).isFalse();
            assertThat(later.queuelen()).isEqualTo(1);
            try (Imsg popped = later.popImsg()) {
                assertThat(popped).hasToString("imsg type 1 id 2 pid 3, 5 bytes, descriptor present");
                assertThat(popped.getString(5)).isEqualTo("later");
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
            assertThat(later.popImsg()).isNull();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void messages_left_in_a_queue_are_closed_with_it(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        IbufQueue queue = new IbufQueue();
        queue.push(Imsg.of(1).withFd(witness.open()));
        queue.close();
        assertThat(witness.openDescriptors()).isZero();
        try (Imsg refused = Imsg.of(2).withFd(witness.open())) {
            assertThatIllegalStateException().isThrownBy(() -> queue.push(refused));
            assertThat(refused.hasFd()).isTrue();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void messages_of_one_thread_are_taken_out_and_closed_by_another(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        try (IbufQueue queue = new IbufQueue()) {
            Call.start(Call.On.PLATFORM, () -> {
                for (int type = 1; type <= 3; type++)
                    queue.push(Imsg.of(type, new byte[type]).withFd(witness.open()));
                return null;
            }).result();
            try (Imsg first = queue.popImsg(); Ibuf second = queue.pop()) {
                assertThat(first).hasToString("imsg type 1 id 0 pid 0, 1 bytes, descriptor present");
                assertThat(second.size()).isEqualTo(2);
                assertThat(second.fdAvail()).isTrue();
            }
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_buffer_that_is_no_message_is_refused_taken_out_and_closed(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        try (IbufQueue queue = new IbufQueue()) {
            queue.push(Ibuf.open(0).fdSet(witness.open()));
            queue.push(Imsg.of(5));
            assertThatIllegalStateException().isThrownBy(queue::popImsg);
            assertThat(witness.openDescriptors()).isZero();
            assertThat(queue.popImsg().type()).isEqualTo(5);
        }
    }

    @Test
    void a_whole_queue_is_sent_in_its_order_with_its_descriptors(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        try (var pair = ImsgChannel.pair(); IbufQueue queue = new IbufQueue()) {
            ImsgChannel channel = pair.first().format(WireFormat.MODERN).allowFdPassing();
            queue.push(Imsg.of(1).withFd(witness.open()));
            queue.push(channel.create(2, 0, 0, 4).addN32(2));
            channel.concat(queue);
            assertThat(queue.queuelen()).isZero();
            assertThat(channel.queuelen()).isEqualTo(2);
            channel.flush();
            try (Imsg first = pair.second().allowFdPassing().receive()) {
                assertThat(first.type()).isEqualTo(1);
                assertThat(first.hasFd()).isTrue();
            }
            assertThat(pair.second().receive().type()).isEqualTo(2);
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_queue_with_a_buffer_that_is_no_message_is_sent_up_to_it(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        try (var pair = ImsgChannel.pair(); IbufQueue queue = new IbufQueue()) {
            queue.push(Imsg.of(1));
            queue.push(Ibuf.open(0).fdSet(Fd.open(Path.of("/dev/null"))));
            queue.push(Imsg.of(3).withFd(witness.open()));
            assertThatIllegalArgumentException().isThrownBy(() -> pair.first().concat(queue));
            assertThat(pair.first().queuelen()).isEqualTo(1);
            assertThat(queue.queuelen()).isEqualTo(1);
        }
        assertThat(witness.openDescriptors()).isZero();
    }
}
