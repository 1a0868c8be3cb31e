package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** The check for threads that die, run on small test classes. */
class DiedThreadsTest {
    private static final String DEATH = "thread unlucky died of java.lang.AssertionError: as planned";

    @Test
    void a_test_fails_in_which_a_platform_thread_dies_and_the_next_one_does_not() {
        assertThat(LeakExtensionTest.failures(PlatformThreadDies.class)).containsExactly(DEATH);
    }

    @Test
    void a_test_fails_in_which_a_virtual_thread_dies_and_the_next_one_does_not() {
        assertThat(LeakExtensionTest.failures(VirtualThreadDies.class)).containsExactly(DEATH);
    }

    static class PlatformThreadDies {
        @RepeatedTest(2)
        void once(RepetitionInfo repetition) throws Exception {
            die(Thread.ofPlatform(), repetition);
        }
    }

    static class VirtualThreadDies {
        @RepeatedTest(2)
        void once(RepetitionInfo repetition) throws Exception {
            die(Thread.ofVirtual(), repetition);
        }
    }

    private static void die(Thread.Builder builder, RepetitionInfo repetition) throws InterruptedException {
        builder.name("unlucky").start(() -> {
            if (repetition.getCurrentRepetition() == 1) {
                throw new AssertionError("as planned");
            }
        }).join();
    }
}
