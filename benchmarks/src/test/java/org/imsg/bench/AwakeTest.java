package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class AwakeTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("imsg.c-reference"));

    @Test
    void processors_are_kept_awake_by_a_process_each_until_it_is_closed() throws Exception {
        Pinning pinning = Pinning.oneEach();
        List<ProcessHandle> spinning;
        try (Awake awake = new Awake(PROGRAMS, pinning)) {
            spinning = ProcessHandle.current().children().filter(AwakeTest::isIdle).toList();
            assertThat(spinning).hasSize(pinning.processors().size());
            assertThat(awake).hasToString("processors kept awake by a process of lowest priority each");
        }
        for (ProcessHandle process : spinning)
            process.onExit().get(10, TimeUnit.SECONDS);
    }

    @Test
    void without_taskset_they_may_sleep() throws Exception {
        try (Awake awake = new Awake(PROGRAMS, new Pinning(Optional.empty(), 0, 1))) {
            assertThat(awake).hasToString("processors may sleep");
        }
    }

    @Test
    void the_hosts_part_of_the_time_is_steal_over_all() {
        Steal before = Steal.of(List.of("cpu  100 0 50 800 0 0 0 50 7 0", "cpu0 1 2 3"));
        Steal after = Steal.of(List.of("cpu  150 0 60 820 0 0 0 70 9 0"));
        assertThat(after.since(before)).isCloseTo(0.2, within(1e-9));
        assertThat(after.since(after)).isZero();
    }

    @Test
    void this_machine_says_how_much_it_lost() throws Exception {
        assertThat(Steal.now().all()).isPositive();
    }

    /** Whether it is of lowest priority: policy 5 in its stat. */
    private static boolean isIdle(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
            String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return afterName[38].equals("5");
        } catch (IOException _) {
            return false; // it has ended
        }
    }
}
