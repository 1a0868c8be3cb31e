package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** How many descriptors threads are woken by. */
@EnabledOnOs(OS.LINUX)
class WakerTest {
    private static final int MANY = 20;
    private static final int LONG = 5;

    @Test
    void the_same_number_stays_open_whichever_of_them_threads_go_on_waiting_with() throws IOException {
        Waker.openKept();
        long atRest = open();
        Deque<Waker> taken = new ArrayDeque<>();
        for (int i = 0; i < MANY; i++)
            taken.addLast(Waker.take());
        assertThat(open()).isGreaterThan(atRest);
        while (taken.size() > LONG)
            taken.removeFirst().giveBack();
        assertThat(open()).isEqualTo(atRest);
        taken.forEach(Waker::giveBack);
        assertThat(open()).isEqualTo(atRest);
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
