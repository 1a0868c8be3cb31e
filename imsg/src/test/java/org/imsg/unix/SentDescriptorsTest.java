package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.OpenDescriptor;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a peer has sent is closed by a thread of its own, once, and not without bound. */
@Timeout(60)
class SentDescriptorsTest {
    /** Descriptors whose close the kernel holds up, until {@link #goOn} is counted down. */
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final CountDownLatch fourClosed = new CountDownLatch(4);
    private final List<OpenDescriptor> closed = new ArrayList<>();
    private final SentDescriptors stuck = new SentDescriptors("test", 2, descriptor -> {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        descriptor.closeNow();
        closed.add(descriptor);
        fourClosed.countDown();
    });

    private Call<String> readAfterFour() throws Exception {
        for (int i = 0; i < 4; i++) {
            Fd fd = Fd.open(Path.of("/dev/null"));
            assertThat(SentDescriptors.isOne(fd)).isFalse();
            stuck.adopt(fd);
            Fd moved = fd.move();
            assertThat(SentDescriptors.isOne(moved)).isTrue();
            moved.close();
        }
        return Call.start(Call.On.PLATFORM, () -> {
            stuck.awaitRoom();
            return "goes on";
        }).awaitWaiting();
    }

    @Test
    void a_peer_whose_descriptors_do_not_close_is_read_no_further_until_they_do() throws Exception {
        Call<String> reader = readAfterFour();
        goOn.countDown();
        assertThat(reader.result()).isEqualTo("goes on");
        assertThat(fourClosed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(closed).doesNotHaveDuplicates();
    }

    @Test
    void a_close_that_fails_keeps_no_other_from_being_made() throws Exception {
        SentDescriptors failing = new SentDescriptors("test", 2, descriptor -> {
            descriptor.closeNow();
            fourClosed.countDown();
            throw new OutOfMemoryError("as told");
        });
        for (int i = 0; i < 4; i++) {
            Fd fd = Fd.open(Path.of("/dev/null"));
            failing.adopt(fd);
            fd.close();
        }
        assertThat(fourClosed.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void an_end_lets_the_reader_go_and_the_descriptors_are_closed_when_they_can_be() throws Exception {
        Call<String> reader = readAfterFour();
        stuck.close();
        assertThat(reader.result()).isEqualTo("goes on");
        goOn.countDown();
        assertThat(fourClosed.await(20, TimeUnit.SECONDS)).isTrue();
    }
}
