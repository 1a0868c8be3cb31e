package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** How many descriptors there are to wake threads by. */
@EnabledOnOs(OS.LINUX)
class WakerTest {
    private static final int MANY = 20, KEPT = 8;

    @Test
    void threads_that_wait_in_turn_close_none_however_many_wait_and_eight_stay_for_the_next() throws IOException {
        Waker.openKept();
        long idle = open();
        List<Waker> waiting = new ArrayList<>();
        for (int i = 0; i < MANY; i++)
            waiting.add(Waker.take());
        assertThat(open()).isEqualTo(idle + MANY - KEPT);
        for (int turn = 0; turn < MANY; turn++) {
            waiting.removeFirst().giveBack();
            assertThat(open()).isEqualTo(idle + MANY - KEPT);
            waiting.add(Waker.take());
        }
        waiting.forEach(Waker::giveBack);
        assertThat(open()).isEqualTo(idle);
    }

    private static long open() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(WakerTest::isWaker).count();
        }
    }

    private static boolean isWaker(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().equals("anon_inode:[eventfd]");
        } catch (IOException _) {
            return false; // the one that the directory was listed by
        }
    }
}
