package org.imsg.harness.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Which descriptors a test is blamed for. */
@Timeout(60)
class ImsgExtensionLeakTest {
    private static final List<AutoCloseable> LEFT = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void closeWhatTheSamplesLeft() throws Exception {
        for (AutoCloseable left : LEFT)
            left.close();
        LEFT.clear();
    }

    @Test
    void a_descriptor_that_is_left_open_is_named_and_one_that_is_closed_is_not() {
        assertThat(SampleTests.failures(LeavesAPipe.class)).hasSize(1).allSatisfy((test, failure) -> {
            assertThat(test).isEqualTo("leaves_a_pipe");
            assertThat(failure.getMessage())
                    .matches("leaves_a_pipe\\(\\) leaves descriptors open: (\\d+ -> pipe:\\[\\d+\\](, )?){2}");
        });
    }

    @Sample
    @ImsgTest
    static class LeavesAPipe {
        @Test
        void leaves_a_pipe() throws IOException {
            LEFT.add(Fd.pipe());
        }

        @Test
        void leaves_none() throws IOException {
            Fd.pipe().close();
        }
    }

    @Test
    void a_file_of_the_jdk_that_is_left_open_is_named() {
        assertThat(SampleTests.failures(LeavesAFile.class).get("leaves_a_file"))
                .hasMessageContaining("leaves descriptors open: ").hasMessageContaining("-> /etc/passwd");
    }

    @Sample
    @ImsgTest
    static class LeavesAFile {
        @Test
        void leaves_a_file() throws IOException {
            LEFT.add(new FileInputStream("/etc/passwd"));
        }
    }

    @Test
    void a_test_is_blamed_for_what_a_thread_leaves_that_it_started() {
        assertThat(SampleTests.failures(LeavesAPipeInAThread.class).get("starts_a_thread"))
                .hasMessageContaining("-> pipe:[");
    }

    @Sample
    @ImsgTest
    static class LeavesAPipeInAThread {
        @Test
        void starts_a_thread() throws InterruptedException {
            Thread.ofVirtual().start(LeavesAPipeInAThread::leave).join();
        }

        private static void leave() {
            try {
                LEFT.add(Fd.pipe());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void a_test_is_not_blamed_for_what_a_thread_opens_that_was_there_before() throws Exception {
        OpensForSomethingElse.begin = new CountDownLatch(1);
        OpensForSomethingElse.done = new CountDownLatch(1);
        Thread other = Thread.ofPlatform().start(OpensForSomethingElse::open);
        assertThat(SampleTests.failures(OpensForSomethingElse.class)).isEmpty();
        other.join();
        assertThat(LEFT).hasSize(1);
    }

    @Sample
    @ImsgTest
    static class OpensForSomethingElse {
        private static CountDownLatch begin = new CountDownLatch(1);
        private static CountDownLatch done = new CountDownLatch(1);

        private static void open() {
            try {
                begin.await();
                LEFT.add(Fd.socketpair());
                done.countDown();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Test
        void runs_beside_another_thread() throws InterruptedException {
            begin.countDown();
            assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** One test ends while the other has a socketpair open, and is not blamed for it; one that leaves a pipe then is. */
    @Test
    void tests_in_parallel_are_each_blamed_for_their_own() {
        assertThat(SampleTests.failures(InParallel.class, "junit.jupiter.execution.parallel.enabled", "true",
                "junit.jupiter.execution.parallel.mode.default", "concurrent",
                "junit.jupiter.execution.parallel.config.strategy", "fixed",
                "junit.jupiter.execution.parallel.config.fixed.parallelism", "3")).hasSize(1)
                .allSatisfy((test, failure) -> {
                    assertThat(test).isEqualTo("leaves_a_pipe");
                    assertThat(failure).hasMessageContaining("-> pipe:[");
                    assertThat(failure.getMessage()).doesNotContain("socket:");
                });
    }

    @ExtendWith(InParallel.AfterTheCount.class)
    @Sample
    @ImsgTest
    static class InParallel {
        private static final CountDownLatch OPENED = new CountDownLatch(1);
        private static final CountDownLatch COUNTED = new CountDownLatch(2);

        static final class AfterTheCount implements AfterEachCallback {
            @Override
            public void afterEach(ExtensionContext context) {
                COUNTED.countDown();
            }
        }

        @Test
        void holds_a_socketpair_while_the_others_end() throws Exception {
            try (Fd.Pair _ = Fd.socketpair(); FileInputStream _ = new FileInputStream("/etc/passwd")) {
                OPENED.countDown();
                assertThat(COUNTED.await(20, TimeUnit.SECONDS)).isTrue();
            }
        }

        @Test
        void ends_meanwhile() throws InterruptedException {
            OPENED.await();
        }

        @Test
        void leaves_a_pipe() throws Exception {
            OPENED.await();
            LEFT.add(Fd.pipe());
        }
    }
}
