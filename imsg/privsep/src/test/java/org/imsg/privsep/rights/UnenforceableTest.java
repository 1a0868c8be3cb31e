package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is said to be missing on machines that are not this one. */
class UnenforceableTest {
    private static final Set<Namespace> NAMESPACES = EnumSet.allOf(Namespace.class);
    private static final Set<Capability> ROOT = EnumSet.allOf(Capability.class);
    private static final Platform HERE = new Platform("LINUX", "amd64", false, true, 7, true, NAMESPACES, ROOT, true);
    private static final Platform OLD_KERNEL = new Platform("LINUX", "amd64", false, true, 0, true, NAMESPACES, ROOT,
            true);
    private static final Platform RISCV = new Platform("LINUX", "riscv64", false, false, 0, true, NAMESPACES, ROOT,
            true);
    private static final Platform ORDINARY_USER = new Platform("LINUX", "aarch64", false, true, 7, true, NAMESPACES,
            Set.of(), true);
    private static final Platform OPENBSD = new Platform("OPENBSD", "amd64", true, false, 0, false, Set.of(), Set.of(),
            false);
    private static final Platform MACOS = new Platform("MACOS", "aarch64", false, false, 0, false, Set.of(), Set.of(),
            false);

    private static Restrictions restrictions(String words) {
        return Descriptions.of(words).restrictions();
    }

    private static final Restrictions ALL = restrictions("promise:STDIO read:/etc ns:NET root chroot:/srv ids bind");

    @Test
    void on_a_machine_that_has_everything_nothing_is_missing() {
        assertThat(Unenforceable.forSpawn(ALL, HERE)).isEmpty();
        assertThat(Unenforceable.forComplete(ALL, HERE)).isEmpty();
        assertThat(Unenforceable.forEnter(restrictions("promise:STDIO"), HERE)).isEmpty();
    }

    @Test
    void a_machine_whose_numbers_are_not_known_has_no_promises() {
        for (Map<String, String> missing : List.of(Unenforceable.forSpawn(ALL, RISCV),
                Unenforceable.forComplete(ALL, RISCV)))
            assertThat(missing).containsOnlyKeys("promises", "unveil").containsEntry("promises",
                    "promises: there is no seccomp filter for LINUX on riscv64");
        assertThat(Unenforceable.forEnter(restrictions("promise:STDIO"), RISCV)).containsOnlyKeys("promises");
    }

    @Test
    void a_kernel_without_landlock_has_no_unveiled_paths() {
        assertThat(Unenforceable.forSpawn(ALL, OLD_KERNEL)).containsOnlyKeys("unveil");
        assertThat(Unenforceable.forSpawn(restrictions("java"), OLD_KERNEL)).containsOnlyKeys("unveil");
    }

    @Test
    void an_ordinary_user_has_promises_and_paths_and_each_of_the_rest_names_what_is_lacking() {
        assertThat(Unenforceable.forSpawn(ALL, ORDINARY_USER)).containsOnly(
                Map.entry("namespaces", "namespaces: this process lacks CAP_SYS_ADMIN"),
                Map.entry("private root", "private root: this process lacks CAP_SYS_ADMIN"),
                Map.entry("chroot", "chroot: this process lacks CAP_SYS_CHROOT"),
                Map.entry("ids", "ids: this process lacks CAP_SETUID"),
                Map.entry("bounding set", "bounding set: this process lacks CAP_SETPCAP"),
                Map.entry("ambient capabilities", "ambient capabilities: this process lacks CAP_NET_BIND_SERVICE"));
    }

    @Test
    void a_system_that_confines_nothing_before_exec_misses_all_of_it_there() {
        for (Platform platform : Set.of(OPENBSD, MACOS))
            assertThat(Unenforceable.forSpawn(ALL, platform)).containsOnlyKeys("promises", "unveil", "namespaces",
                    "private root",
                    "chroot", "ids", "bounding set", "ambient capabilities");
        assertThat(Unenforceable.forEnter(restrictions("promise:STDIO read:/etc"), OPENBSD)).isEmpty();
        assertThat(Unenforceable.forEnter(restrictions("promise:STDIO read:/etc"), MACOS)).containsOnlyKeys("promises",
                "unveil");
    }

    @Test
    void what_is_missing_is_left_out_and_nothing_else() {
        assertThat(Unenforceable.without(ALL, Set.of())).isEqualTo(ALL);
        Restrictions rest = Unenforceable.without(ALL, Unenforceable.forSpawn(ALL, ORDINARY_USER).keySet());
        assertThat(rest).isEqualTo(restrictions("promise:STDIO read:/etc"));
        assertThat(Unenforceable.without(restrictions("java"), Set.of("unveil")).veil()).isFalse();
    }

    @Test
    void promises_are_said_to_openbsd_in_its_own_words() {
        assertThat(InProcess.words(EnumSet.of(Promise.STDIO))).isEqualTo("stdio prot_exec");
        assertThat(InProcess.words(Set.of(Promise.SENDFD, Promise.INET, Promise.STDIO)))
                .isEqualTo("stdio prot_exec inet sendfd");
    }
}
