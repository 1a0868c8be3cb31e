package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Slices as Linux shows them. */
class SlicesTest {
    private static final String OWN = ownSlice();

    @BeforeEach
    void threadsHaveSlices() {
        String[] version = System.getProperty("os.version").split("[^0-9]+");
        assumeThat(Integer.parseInt(version[0]) * 100 + Integer.parseInt(version[1])).as("Linux 6.12, which has slices")
                .isGreaterThanOrEqualTo(612);
        assumeThat(OWN).as("a kernel that shows them").isNotEmpty();
    }

    private static String ownSlice() {
        try {
            return Files.readString(Path.of("/proc/thread-self/sched")).lines()
                    .filter(line -> line.startsWith("se.slice")).findFirst().orElse("").replaceAll("[^0-9]", "");
        } catch (IOException _) {
            return "";
        }
    }

    private static String inThread(Runnable before) throws Exception {
        FutureTask<String> slice = new FutureTask<>(() -> {
            before.run();
            FutureTask<String> inherited = new FutureTask<>(SlicesTest::ownSlice);
            Thread.ofPlatform().start(inherited);
            return inherited.get();
        });
        Thread.ofPlatform().start(slice);
        return slice.get();
    }

    @Test
    void a_thread_hands_short_slices_on_until_it_has_the_usual_ones_again() throws Exception {
        assertThat(inThread(Slices::shorten)).isEqualTo("100000");
        assertThat(inThread(() -> {
            Slices.shorten();
            Slices.restore();
        })).isEqualTo(OWN);
    }

    @Test
    void a_child_that_gives_way_has_long_ones() throws Exception {
        String script = "awk '/^se.slice/ { exit $3 != 10000000 }' /proc/self/sched";
        assertThat(Confinement.none().nice(3).spawn(Child.of(Path.of("/bin/sh"), "-c", script)).waitFor().success())
                .isTrue();
        assertThat(ownSlice()).isEqualTo(OWN);
    }
}
