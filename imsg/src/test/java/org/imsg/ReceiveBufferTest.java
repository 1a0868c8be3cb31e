package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.junit.jupiter.api.Test;

class ReceiveBufferTest {
    /** Where a send was told first, in the moment of the reset, recvmsg(2) says that the stream has ended. */
    @Test
    void a_stream_that_was_reset_has_no_clean_end_whatever_the_kernel_says() throws Exception {
        ReceiveBuffer buffer = new ReceiveBuffer(Dialect.AUTO, ImsgChannel.MAX_IMSGSIZE);
        try (Fd.Pair ends = Fd.socketpair()) {
            ends.second().close();
            assertThat(buffer.fill(ends.first().intValue())).isZero();
            assertThat(buffer.ended()).isTrue();
            assertThat(buffer.fail(Constants.ECONNRESET)).isEqualTo(-Constants.ECONNRESET);
            assertThat(buffer.ended()).isFalse();
            assertThat(buffer.fill(ends.first().intValue())).isEqualTo(-Constants.ECONNRESET);
        } finally {
            buffer.free();
        }
    }
}
