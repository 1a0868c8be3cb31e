package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.imsg.privsep.ops.Root;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConfinedSpawnTest {
    private static final int ROUNDS = 500;

    @Test
    void the_thread_with_the_ids_of_another_user_is_gone_before_the_process_can_be_traced_again() throws Exception {
        Root.required();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment errno = Posix.errnoSegment(arena);
            int gettid = LinuxSyscalls.host().number("gettid");
            List<Step> steps = List.of(Step.Call.of("setresuid", 64001, 64001, 64001, 64001));
            for (int i = 0; i < ROUNDS; i++) {
                int thread = ConfinedSpawn.run(steps, () -> RawSyscall.call(errno, gettid, 0, 0, 0));
                assertThat(Files.exists(Path.of("/proc/self/task/" + thread))).as("thread of round " + i).isFalse();
            }
        }
    }

    @Test
    void a_child_that_takes_the_last_thread_is_waited_for_and_none_starts_that_no_thread_can_wait_for()
            throws Exception {
        Root.required();
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64031 -")).isEqualTo("dropped");
            assertThat(subject.ask("spawn-without-thread /bin/sleep 1000"))
                    .isEqualTo("waited for; then no thread, and children: 0");
        }
    }

    /** The supervising thread is one of those that wait. */
    @Test
    void a_thread_that_starts_one_child_after_the_other_does_not_go_before_one_that_waits() throws Exception {
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 20; i++) {
            order.clear();
            Call<Integer> waiting = Call.start(Call.On.PLATFORM, () -> {
                while (order.isEmpty())
                    Thread.onSpinWait();
                return ConfinedSpawn.run(List.of(), () -> order.add("waiting") ? 0 : 1);
            });
            for (String each : List.of("first", "second"))
                ConfinedSpawn.run(List.of(), () -> {
                    order.add(each);
                    while (each.equals("first") && !ConfinedSpawn.ONE_AT_A_TIME.hasQueuedThread(waiting.thread()))
                        Thread.onSpinWait();
                    return 0;
                });
            waiting.result();
            assertThat(order).containsExactly("first", "waiting", "second");
        }
    }
}
