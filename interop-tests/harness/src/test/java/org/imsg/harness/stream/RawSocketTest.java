package org.imsg.harness.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RawSocketTest {
    private static final int MSG_OOB = 1;

    /** Where it stays at the head of the queue, poll(2) returns at once again and again. */
    @Test
    void an_urgent_byte_is_passed_over_and_keeps_no_reader_busy() throws IOException {
        try (Fd.Pair pair = Fd.socketpair(); Arena arena = Arena.ofConfined()) {
            int number = pair.second().intValue();
            try (RawSocket reader = RawSocket.of(Fd.of(pair.second().release()))) {
                int sent = Msghdr.forSend(arena).send(pair.first().intValue(),
                        arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) 7).address(), 1, new int[0], MSG_OOB);
                assertThat(sent).as("a kernel with urgent bytes on Unix sockets").isOne();
                assertThatThrownBy(() -> reader.receive(Duration.ofMillis(10)))
                        .isInstanceOf(SocketTimeoutException.class);
                assertThat(Readiness.READABLE.isNow(number)).isFalse();
            }
        }
    }
}
