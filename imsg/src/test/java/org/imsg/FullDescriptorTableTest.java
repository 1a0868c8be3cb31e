package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A process whose descriptor table is full: in a JVM of its own, for the table is the process's. */
@Timeout(120)
class FullDescriptorTableTest {
    private static String run(String what) throws Exception {
        return new ChildJvm().mostDescriptors(100).run(FullDescriptorTable.class, what);
    }

    @Test
    void a_descriptor_there_was_no_room_for_is_reported_lost_and_later_ones_arrive() throws Exception {
        assertThat(run("receive").lines()).containsExactly("open EMFILE", "type 1 LOST", "type 2 PRESENT",
                "type 3 NONE", "type 4 LOST", "second still PRESENT", "left open 0");
    }

    @Test
    void a_connection_there_was_no_room_for_waits_and_is_accepted_later() throws Exception {
        assertThat(run("accept").lines()).containsExactly("open EMFILE", "accept EMFILE, listener open true",
                "accepted, type 5",
                "left open 0");
    }
}
