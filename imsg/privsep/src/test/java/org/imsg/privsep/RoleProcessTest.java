package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.testing.Call;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A role's own process, with the test as its parent. */
@Timeout(60)
class RoleProcessTest {
    /** The successor has the same number, and may be there before the thread that asked goes on. */
    @Test
    void the_process_that_was_given_is_the_one_that_is_spoken_with_though_it_is_replaced_at_once() throws Exception {
        try (Fd.Pair ofParent = Fd.socketpair();
                Fd.Pair ofFirst = Fd.socketpair();
                Fd.Pair ofNext = Fd.socketpair();
                Connection parent = new Connection(ofParent.first(), Peer.PARENT, PeerBounds.USUAL);
                Connection first = new Connection(ofFirst.first(), "first", PeerBounds.USUAL);
                Connection next = new Connection(ofNext.first(), "next", PeerBounds.USUAL)) {
            RoleProcess self = new RoleProcess("test", List.of(), Set.of("session"), Set.of("session"), "asker", 0,
                    parent, System.getLogger("test"));
            Peer given = new Peer("session", 0, first);
            self.add(given);
            Call<Peer> asking;
            // The thread that asks stands still where it sends its question.
            synchronized (parent) {
                asking = Call.start(Call.On.PLATFORM,
                        () -> self.request("session", Imsg.of(1), Duration.ofSeconds(30)));
                Call.until(() -> asking.thread().getState() == Thread.State.BLOCKED);
                self.answered(Imsg.of(Protocol.GIVEN, 1, 0, Ibuf.open(4).addH32(0)));
                self.add(new Peer("session", 0, next));
            }
            assertThat(asking.result()).isSameAs(given);
        }
    }
}
