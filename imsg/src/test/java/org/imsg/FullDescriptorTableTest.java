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

    @Test
    void a_server_goes_on_serving_and_accepts_again_when_there_is_room_and_says_so_once() throws Exception {
        assertThat(run("serve").lines().map(line -> line.replaceFirst("imsg-full-\\d+", "NAME"))).containsExactly(
                "first served true", "open EMFILE", "while full, first served true, serving ended false",
                "while full, first served true, serving ended false",
                "while full, first served true, serving ended false", "free again, second served true", "warm-up",
                "connections to @NAME have to wait: org.imsg.unix.ErrnoException: accept: EMFILE (24): Too many open files",
                "left open 0");
    }
}
