package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IdsTest {
    @Test
    void ids_come_from_the_variables_envuidgid_sets() throws Exception {
        assertThat(Ids.fromEnvironment(Map.of("UID", "64001", "GID", "64002"))).isEqualTo(Ids.of(64001, 64002));
        assertThat(Ids.fromEnvironment(Map.of("UID", "0", "GID", "4294967294", "GIDLIST", "9,7,9")))
                .isEqualTo(Ids.of(0, 4294967294L, 7, 9));
    }

    @Test
    void a_variable_that_is_missing_or_no_id_is_named() {
        for (Map<String, String> environment : List.of(Map.of("GID", "5"), Map.of("UID", "", "GID", "5"),
                Map.of("UID", "-1", "GID", "5"), Map.of("UID", "+1", "GID", "5"), Map.of("UID", " 1", "GID", "5"),
                Map.of("UID", "4294967295", "GID", "5"), Map.of("UID", "99999999999999999999", "GID", "5")))
            assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> Ids.fromEnvironment(environment))
                    .withMessageContaining("UID").matches(e -> e.step().equals("environment"));
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> Ids.fromEnvironment(Map.of("UID", "1", "GID", "1", "GIDLIST", "1,,2")))
                .withMessageContaining("GIDLIST");
    }

    @Test
    void an_id_is_a_number_that_means_somebody() {
        assertThatIllegalArgumentException().isThrownBy(() -> Ids.of(-1, 0)).withMessageContaining("-1");
        assertThatIllegalArgumentException().isThrownBy(() -> Ids.of(1, 4294967295L))
                .withMessageContaining("4294967295");
        assertThatIllegalArgumentException().isThrownBy(() -> Ids.of(1, 1, 1L << 32)).withMessageContaining("group");
    }

    @Test
    void a_user_of_the_systems_database_is_found_with_its_groups() throws Exception {
        String line = Files.readAllLines(Path.of("/etc/passwd")).stream().filter(one -> one.startsWith("daemon:"))
                .findFirst().orElseThrow();
        Ids daemon = Ids.ofUser("daemon");
        assertThat(daemon.uid()).isEqualTo(Long.parseLong(line.split(":")[2]));
        assertThat(daemon.gid()).isEqualTo(Long.parseLong(line.split(":")[3]));
        assertThat(daemon.groups()).contains(daemon.gid());
    }

    @Test
    void a_user_that_is_not_there_is_named() {
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> Ids.ofUser("no-such-user"))
                .withMessage("getpwnam: there is no user no-such-user").matches(e -> e.step().equals("getpwnam"));
    }

    @Test
    void a_process_knows_who_it_is() throws Exception {
        Ids current = Ids.current();
        assertThat(current.uid())
                .isEqualTo(((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue());
        assertThat(current.isRoot()).isEqualTo(current.uid() == 0);
    }

    @Test
    void whether_its_group_is_also_a_supplementary_one_makes_no_difference_to_a_process() {
        assertThat(Ids.of(5, 6, 7).meanTheSameAs(Ids.of(5, 6, 6, 7))).isTrue();
        assertThat(Ids.of(5, 6, 7).meanTheSameAs(Ids.of(5, 6))).isFalse();
        assertThat(Ids.of(5, 6, 7).meanTheSameAs(Ids.of(5, 7, 6))).isFalse();
    }

    @Test
    void root_is_nobody_to_drop_to() {
        for (Ids root : List.of(Ids.of(0, 5), Ids.of(5, 0), Ids.of(5, 5, 0)))
            assertThatIllegalArgumentException().isThrownBy(() -> PrivilegeDrop.to(root))
                    .withMessageContaining("0 is root");
    }
}
