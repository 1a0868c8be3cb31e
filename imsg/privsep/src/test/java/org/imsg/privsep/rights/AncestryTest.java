package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AncestryTest {
    private static final long SELF = 10;

    private final Map<Long, Long> parents = new HashMap<>(
            Map.of(SELF, 1L, 1L, 0L, 11L, SELF, 12L, 11L, 13L, 12L, 20L, 1L));

    private boolean descends(long pid) {
        return Ancestry.descends(pid, SELF, process -> parents.getOrDefault(process, -1L));
    }

    @Test
    void a_descendant_is_told_from_a_stranger_and_from_the_program_itself() {
        assertThat(descends(13)).isTrue();
        assertThat(descends(11)).isTrue();
        assertThat(descends(20)).isFalse();
        assertThat(descends(1)).isFalse();
        assertThat(descends(SELF)).isFalse();
    }

    @Test
    void a_process_that_is_gone_may_have_been_a_descendant() {
        assertThat(descends(99)).isTrue();
    }

    @Test
    void a_chain_that_ends_while_it_is_followed_is_followed_again() {
        assertThat(Ancestry.descends(13, SELF, process -> {
            if (process != 12)
                return parents.get(process);
            // It ends just when it is looked at, and this program adopts its child.
            parents.put(13L, SELF);
            return -1;
        })).isTrue();
    }

    @Test
    void a_stranger_whose_parent_ends_meanwhile_stays_a_stranger() {
        parents.put(21L, 20L);
        assertThat(Ancestry.descends(21, SELF, process -> {
            if (process != 20)
                return parents.get(process);
            parents.put(21L, 1L);
            return -1;
        })).isFalse();
    }

    @Test
    void a_chain_that_never_stays_is_taken_for_a_descendant() {
        assertThat(Ancestry.descends(13, SELF, process -> process == 12 ? -1 : parents.get(process))).isTrue();
    }
}
