package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.privsep.rights.Confinement.Parts;
import org.junit.jupiter.api.Test;

/** What is said to be missing on machines that are not this one. */
class MissingTest {
    private static final Set<Namespace> NAMESPACES = EnumSet.allOf(Namespace.class);
    private static final Set<Capability> ROOT = EnumSet.allOf(Capability.class);
    private static final Platform HERE = new Platform("LINUX", "amd64", false, true, 7, true, NAMESPACES, ROOT);
    private static final Platform OLD_KERNEL = new Platform("LINUX", "amd64", false, true, 0, true, NAMESPACES, ROOT);
    private static final Platform RISCV = new Platform("LINUX", "riscv64", false, false, 0, true, NAMESPACES, ROOT);
    private static final Platform ORDINARY_USER = new Platform("LINUX", "aarch64", false, true, 7, true, NAMESPACES,
            Set.of());
    private static final Platform OPENBSD = new Platform("OPENBSD", "amd64", true, false, 0, false, Set.of(), Set.of());
    private static final Platform MACOS = new Platform("MACOS", "aarch64", false, false, 0, false, Set.of(), Set.of());

    private static Parts parts(String words) {
        return Descriptions.of(words).parts();
    }

    private static final Parts ALL = parts("promise:STDIO read:/etc ns:NET root chroot:/srv ids bind");

    @Test
    void on_a_machine_that_has_everything_nothing_is_missing() {
        assertThat(Missing.forSpawn(ALL, HERE)).isEmpty();
        assertThat(Missing.forComplete(ALL, HERE)).isEmpty();
        assertThat(Missing.forEnter(parts("promise:STDIO"), HERE)).isEmpty();
    }

    @Test
    void a_machine_whose_numbers_are_not_known_has_no_promises() {
        for (Map<String, String> missing : List.of(Missing.forSpawn(ALL, RISCV), Missing.forComplete(ALL, RISCV)))
            assertThat(missing).containsOnlyKeys("promises", "unveil").containsEntry("promises",
                    "promises: there is no seccomp filter for LINUX on riscv64");
        assertThat(Missing.forEnter(parts("promise:STDIO"), RISCV)).containsOnlyKeys("promises");
    }

    @Test
    void a_kernel_without_landlock_has_no_unveiled_paths() {
        assertThat(Missing.forSpawn(ALL, OLD_KERNEL)).containsOnlyKeys("unveil");
        assertThat(Missing.forSpawn(parts("java"), OLD_KERNEL)).containsOnlyKeys("unveil");
    }

    @Test
    void an_ordinary_user_has_promises_and_paths_and_each_of_the_rest_names_what_is_lacking() {
        assertThat(Missing.forSpawn(ALL, ORDINARY_USER)).containsOnly(
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
            assertThat(Missing.forSpawn(ALL, platform)).containsOnlyKeys("promises", "unveil", "namespaces",
                    "private root",
                    "chroot", "ids", "bounding set", "ambient capabilities");
        assertThat(Missing.forEnter(parts("promise:STDIO read:/etc"), OPENBSD)).isEmpty();
        assertThat(Missing.forEnter(parts("promise:STDIO read:/etc"), MACOS)).containsOnlyKeys("promises", "unveil");
    }

    @Test
    void what_is_missing_is_left_out_and_nothing_else() {
        assertThat(Missing.without(ALL, Set.of())).isEqualTo(ALL);
        Parts rest = Missing.without(ALL, Missing.forSpawn(ALL, ORDINARY_USER).keySet());
        assertThat(rest).isEqualTo(parts("promise:STDIO read:/etc"));
        assertThat(Missing.without(parts("java"), Set.of("unveil")).veils()).isFalse();
    }

    @Test
    void promises_are_said_to_openbsd_in_its_own_words() {
        assertThat(InProcess.words(EnumSet.of(Promise.STDIO))).isEqualTo("stdio prot_exec");
        assertThat(InProcess.words(Set.of(Promise.SENDFD, Promise.INET, Promise.STDIO)))
                .isEqualTo("stdio prot_exec inet sendfd");
    }
}
