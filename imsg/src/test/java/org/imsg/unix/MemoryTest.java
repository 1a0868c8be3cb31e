package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What is closed gives its memory back at once: where a program forbids System.gc(), the collector would come too late. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class MemoryTest {
    private static final int KIB_OF_CHANCE = 16 << 10;

    @Test
    void descriptors_channels_and_children_leave_the_process_as_it_was() throws Exception {
        String grown = new ChildJvm().option("-Xms32m").option("-Xmx32m").option("-XX:+AlwaysPreTouch")
                .option("-XX:+DisableExplicitGC").run(UsedAndClosed.class, "20000").strip();
        assertThat(Long.parseLong(grown)).as("KiB more resident").isLessThan(KIB_OF_CHANCE);
    }
}
