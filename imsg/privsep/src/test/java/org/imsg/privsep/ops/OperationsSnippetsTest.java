package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.imsg.ImsgChannel;
import org.imsg.unix.Child;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class OperationsSnippetsTest {
    @Test
    void the_examples_of_the_documentation_work(@TempDir Path builds) throws Exception {
        Root.required();
        ImsgChannel.Pair pair = ImsgChannel.pair();
        OperationsSnippets.parent(OperationsSnippets.policy(builds), pair.second());
        assertThat(OperationsSnippets.child(pair.first(), builds)).isEqualTo(new Child.ExitStatus(3, 0));
        assertThat(builds.resolve("log")).exists();
    }
}
