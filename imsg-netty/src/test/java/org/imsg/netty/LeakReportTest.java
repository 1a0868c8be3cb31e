package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;

import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ResourceLeakDetector;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What Netty's leak detector tells of a descriptor that somebody forgot. */
@ExtendWith(LeakDetection.class)
class LeakReportTest {
    @Test
    void a_forgotten_message_is_named_with_its_descriptor_the_handlers_it_passed_and_the_hints_it_got()
            throws Exception {
        int descriptor;
        try (Fd.Pair pipe = Fd.pipe()) {
            descriptor = pipe.first().intValue();
            forgetMessage(pipe.first());
            forgetBytes(pipe.second());
        }
        assertThat(LeakDetection.reports(LeakDetection.DEADLINE)).hasSize(2)
                .anySatisfy(report -> assertThat(report).contains("LEAK: ImsgMessage.release() was not called")
                        .contains("imsg type 7 id 3 pid " + Messages.PID + ", 7 bytes, descriptor " + descriptor)
                        .contains("'the one that forgets'").contains("on its way to nowhere"))
                .anySatisfy(report -> assertThat(report).contains("LEAK: FdBuf.release() was not called")
                        .contains("never written"));
    }

    @Test
    void a_detector_that_is_off_is_an_error_that_names_its_property() {
        ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
        try {
            assertThatThrownBy(() -> LeakDetection.reports(LeakDetection.DEADLINE)).isInstanceOf(AssertionError.class)
                    .hasMessageContaining("SIMPLE").hasMessageContaining("-Dio.netty.leakDetection.level=paranoid");
        } finally {
            ResourceLeakDetector.setLevel(level);
        }
    }

    @Test
    void a_detector_whose_reports_are_not_logged_is_an_error_at_the_deadline() {
        Logger log = Logger.getLogger(ResourceLeakDetector.class.getName());
        log.setLevel(Level.OFF);
        try {
            assertThatThrownBy(() -> LeakDetection.reports(Duration.ofMillis(1))).isInstanceOf(AssertionError.class)
                    .hasMessageContaining("has not reported").hasMessageContaining("java.util.logging");
        } finally {
            log.setLevel(null);
        }
    }

    private static void forgetMessage(Fd fd) {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN)).addLast("the one that forgets",
                new Events());
        ImsgMessage message = new ImsgMessage(7, 3, Messages.PID, bytes("payload"), fd);
        message.touch("on its way to nowhere");
        channel.pipeline().context(ImsgCodec.class).fireChannelRead(message);
        // Only the message is forgotten: its descriptor would stay open to the end of the run.
        message.takeFd().close();
        channel.finish();
    }

    private static void forgetBytes(Fd fd) {
        FdBuf forgotten = new FdBuf(bytes("bytes"), fd);
        forgotten.touch("never written");
        forgotten.takeFd().close();
    }
}
