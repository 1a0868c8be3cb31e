package org.imsg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.imsg.examples.hello.Hello;
import org.imsg.examples.relayd.Relayd;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples do what their readers are told. */
@Timeout(60)
class ExamplesTest {
    /** Without what is logged where root runs them, for they name no users. */
    private static List<String> printed(String output) {
        return output.lines().filter(line -> !line.matches("WARNING: no user is named .*|.* org\\.imsg\\.privsep\\..*"))
                .toList();
    }

    @Test
    void parent_and_child_say_hello_both_ways_from_two_processes() throws Exception {
        List<String> lines = printed(new ChildJvm().run(Hello.class));
        assertThat(lines).hasSize(2).first().asString().matches("child \\d+: hello child");
        assertThat(lines).last().asString().matches("parent \\d+: hello parent from child\\[0]");
        assertThat(lines).extracting(line -> line.replaceAll("^\\w+ (\\d+).*", "$1")).doesNotHaveDuplicates();
    }

    @Test
    void two_relays_ask_one_resolver_and_report_to_the_parent() throws Exception {
        assertThat(printed(new ChildJvm().run(Relayd.class, "127.0.0.1")))
                .containsExactlyInAnyOrder("relay[0]: 127.0.0.1", "relay[1]: 127.0.0.1");
    }
}
