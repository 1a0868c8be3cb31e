package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How much of the process's memory channels keep; a JVM of its own says, whose collector frees nothing for them. */
@Timeout(120)
class ResidentMemoryTest {
    private static long grownKib(String what, int count, int heapMib) throws Exception {
        return Long.parseLong(new ChildJvm().option("-Xms" + heapMib + "m").option("-Xmx" + heapMib + "m")
                .option("-XX:+AlwaysPreTouch").option("-XX:+DisableExplicitGC").option("-XX:MaxDirectMemorySize=64m")
                .run(ResidentMemory.class, what, Integer.toString(count)).strip());
    }

    @Test
    void pairs_opened_used_and_closed_leave_the_process_as_large_as_it_was() throws Exception {
        assertThat(grownKib("pairs", 30_000, 64)).isLessThan(32 << 10);
    }

    @Test
    void listeners_opened_used_and_closed_leave_the_process_as_large_as_it_was() throws Exception {
        assertThat(grownKib("listeners", 5_000, 64)).isLessThan(16 << 10);
    }

    @Test
    void children_started_and_waited_for_leave_the_process_as_large_as_it_was() throws Exception {
        assertThat(grownKib("children", 1_500, 64)).isLessThan(16 << 10);
    }

    @Test
    void channels_that_have_carried_a_100_mb_message_keep_nothing_of_it() throws Exception {
        assertThat(grownKib("large", 2, 300)).isLessThan(16 << 10);
    }

    @Test
    void channels_that_have_queued_100_mb_and_sent_nothing_of_it_keep_nothing_of_it() throws Exception {
        assertThat(grownKib("dropped", 2, 300)).isLessThan(16 << 10);
    }

    @Test
    void channels_that_have_sent_a_long_queue_but_for_its_end_keep_that_only() throws Exception {
        assertThat(grownKib("sent", 2, 64)).isLessThan(16 << 10);
    }

    @Test
    void a_reply_longer_than_the_heap_keeps_nothing_of_a_message_whose_descriptor_was_taken() throws Exception {
        assertThat(grownKib("replies", 8_000, 64)).isLessThan(16 << 10);
    }

    @Test
    void a_header_that_announces_256_mib_costs_a_page_or_two() throws Exception {
        assertThat(grownKib("claims", 20, 64)).isLessThan(16 << 10);
    }
}
