package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A capability that is newer than {@link Capability}, as a later kernel has it. */
class NewerCapabilityTest {
    private static final int NEWER = Capability.values().length;
    private static final Ids IDS = Ids.of(64000, 64000);

    @Test
    void it_leaves_the_bounding_set_with_the_others() {
        assertThat(Capability.numbersBut(Set.of(Capability.CHOWN, Capability.SYS_ADMIN), number -> number <= NEWER))
                .hasSize(NEWER - 1).contains(1, NEWER)
                .doesNotContain(Capability.CHOWN.number(), Capability.SYS_ADMIN.number(), NEWER + 1);
    }

    @Test
    void a_thread_that_has_it_in_any_set_is_told_by_its_number() {
        assertThat(Status.boundDifferently(Set.of(), Map.of("CapBnd", Long.toHexString(1L << NEWER | 1))))
                .isEqualTo("has CapBnd [CHOWN, " + NEWER + "] instead of []");
        for (String set : new String[]{"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
            Map<String, String> status = new HashMap<>(Status.of(new Restrictions()));
            status.putAll(Map.of("Uid", "64000 64000 64000 64000", "Gid", "64000 64000 64000 64000", "Groups", ""));
            assertThat(Status.differenceFrom(IDS, Set.of(), status)).isNull();
            status.put(set, Long.toHexString(1L << NEWER));
            assertThat(Status.differenceFrom(IDS, Set.of(), status))
                    .isEqualTo("has " + set + " [" + NEWER + "] instead of []");
        }
    }
}
