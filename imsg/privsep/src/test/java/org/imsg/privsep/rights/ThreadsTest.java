package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class ThreadsTest {
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<Thread> started = new ArrayList<>();

    @BeforeEach
    void start() throws InterruptedException {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        CountDownLatch running = new CountDownLatch(3);
        for (String name : List.of("first", "second", "third"))
            started.add(Thread.ofPlatform().name(name).start(() -> {
                running.countDown();
                await();
            }));
        running.await();
    }

    private void await() {
        try {
            over.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void end() throws InterruptedException {
        over.countDown();
        for (Thread thread : started)
            thread.join();
    }

    @Test
    void every_thread_is_asked() throws Exception {
        List<String> asked = new ArrayList<>();
        try (Threads threads = Threads.open()) {
            threads.prove(status -> {
                asked.add(status.get("Name"));
                return null;
            });
        }
        assertThat(asked).contains("first", "second", "third");
    }

    @ParameterizedTest
    @ValueSource(strings = {"first", "second", "third"})
    void one_thread_that_is_not_as_it_should_be_is_enough_and_is_named(String name) throws Exception {
        try (Threads threads = Threads.open()) {
            assertThatExceptionOfType(PrivilegeException.class)
                    .isThrownBy(() -> threads.prove(status -> name.equals(status.get("Name")) ? "is wrong" : null))
                    .withMessageContaining("(" + name + ") is wrong").matches(e -> e.step().equals("proof"));
        }
    }
}
