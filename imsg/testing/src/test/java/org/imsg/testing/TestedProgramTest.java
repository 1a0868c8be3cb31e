package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TestedProgramTest {
    /** Has a child that runs a role, until it is killed. */
    static final class Parent {
        public static void main(String... arguments) throws Exception {
            ProcessBuilder child = new ProcessBuilder("/bin/sh", "-c", "echo it runs; read _");
            child.environment().put("IMSG_ROLE", "worker");
            Process process = child.start();
            System.out.println(process.inputReader().readLine() + ", number " + process.pid());
            process.waitFor();
        }
    }

    @Test
    void a_role_is_found_beside_a_child_that_has_ended_and_was_not_waited_for() throws Exception {
        // The shell leaves the program a child that the program knows nothing of.
        List<String> before = List.of("/bin/sh", "-c", "true & exec \"$@\"", "sh");
        try (TestedProgram program = TestedProgram.start(before, System.getProperty("java.class.path"), List.of(),
                Parent.class)) {
            String worker = program.awaitLine("it runs").replace("it runs, number ", "");
            assertThat(program.children()).hasSize(2);
            assertThat(program.role("worker")).hasToString("/proc/" + worker);
        }
    }
}
