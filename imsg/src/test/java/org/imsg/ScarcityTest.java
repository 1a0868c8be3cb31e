package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** An Error in the middle of a call, wherever it comes, loses no descriptor, no file, no process and no message. */
@Timeout(300)
@EnabledOnOs(OS.LINUX)
class ScarcityTest {
    @Test
    void a_stack_that_ends_anywhere_inside_a_call_leaves_all_as_it_was() throws Exception {
        // Interpreted, a frame is as large each time.
        String told = new ChildJvm().option("-Xint").run(Scarcity.class, "stack");
        assertThat(told.lines()).hasSizeGreaterThan(10).allMatch(line -> line.matches("\\* [a-z ]+: [1-9][0-9]+"));
    }

    @Test
    void a_message_that_the_heap_has_no_room_for_comes_again_with_its_descriptor() throws Exception {
        assertThat(new ChildJvm().option("-Xmx48m").run(LargerThanHeap.class)).isEqualTo("refused, then whole\n");
    }
}
