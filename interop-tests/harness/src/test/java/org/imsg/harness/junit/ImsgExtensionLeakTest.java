package org.imsg.harness.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;

class ImsgExtensionLeakTest {
    @Test
    void a_descriptor_that_is_left_open_is_named_and_one_that_is_closed_is_not() throws Exception {
        List<String> before = OpenDescriptors.now();
        try (Fd.Pair pipe = Fd.pipe()) {
            assertThat(OpenDescriptors.since(before)).hasSize(2).allSatisfy(
                    left -> assertThat(left).matches("\\d+ -> pipe:\\[\\d+\\]"))
                    .anySatisfy(left -> assertThat(left).startsWith(pipe.first().intValue() + " -> "));
        }
        assertThat(OpenDescriptors.since(before)).isEmpty();
    }
}
