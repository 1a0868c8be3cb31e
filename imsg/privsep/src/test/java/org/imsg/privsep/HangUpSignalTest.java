package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HangUpSignalTest {
    /** In a JVM of its own: the signal is the process's. */
    static final class Main {
        private static final BlockingQueue<String> HEARD = new LinkedBlockingQueue<>();

        private Main() {}

        public static void main(String... arguments) throws Exception {
            HangUpSignal former = HangUpSignal.to(() -> HEARD.add("who was there before"));
            if (former == null) {
                TestProgram.program("one").parent(() -> ParentProcess::stop).run(arguments);
                return;
            }
            if (arguments[0].equals("program")) {
                TestProgram.program("one").parent(() -> Main::hangUpAndStop).run(arguments);
            } else {
                try (HangUpSignal _ = HangUpSignal.to(() -> HEARD.add("who came later"))) {
                    hangUp();
                }
            }
            hangUp();
        }

        private static void hangUpAndStop(ParentProcess self) {
            self.on(TestProgram.SAY, (_, _) -> {});
            self.stop();
        }

        private static void hangUp() throws Exception {
            new ProcessBuilder("kill", "-HUP", "" + ProcessHandle.current().pid()).start().waitFor();
            System.out.println(HEARD.take());
        }
    }

    @Test
    void a_signal_goes_to_whom_it_went_to_before_when_it_is_closed() throws Exception {
        assertThat(new ChildJvm().run(Main.class, "alone").lines()).containsExactly("who came later",
                "who was there before");
    }

    @Test
    void a_program_that_has_stopped_leaves_the_signal_to_whom_it_went_to_before() throws Exception {
        assertThat(new ChildJvm().run(Main.class, "program")).endsWith("who was there before\n");
    }

    @Test
    void a_program_that_was_started_with_the_signal_ignored_says_that_it_is_no_reload() throws Exception {
        assertThat(new ChildJvm().ignoringHangUps().run(Main.class, "ignored")).contains("SIGHUP is no reload here");
    }
}
