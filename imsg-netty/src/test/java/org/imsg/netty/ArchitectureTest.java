package org.imsg.netty;

import java.nio.file.Path;
import java.util.List;
import org.imsg.testing.CodeSize;
import org.imsg.testing.FileLayers;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    /** Parts of the channel that call it back: Netty calls nothing but the channel. */
    private static final List<String> PARTS = List.of("Connector", "ImsgChannelConfig", "SocketReader", "SocketWriter",
            "Registration", "Transport", "Binding", "EpollBinding", "IoUringBinding", "KqueueBinding");

    @Test
    void no_files_of_a_package_need_each_other_but_the_channel_and_its_parts() {
        FileLayers layers = FileLayers.of(Path.of("target", "classes"));
        for (String part : PARTS)
            layers.allow("org.imsg.netty." + part, "org.imsg.netty.ImsgSocketChannel", "a part of the channel");
        layers.check();
    }

    @Test
    void no_class_has_so_much_code_that_it_may_be_two_ideas() {
        CodeSize.check(Path.of("src", "main", "java"));
    }
}
