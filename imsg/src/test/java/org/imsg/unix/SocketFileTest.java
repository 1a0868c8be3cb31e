package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.FileSystemException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class SocketFileTest {
    /** The file system of processes lets nobody change a mode, even to what it is. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void a_mode_that_is_right_already_is_not_asked_for_where_the_file_system_refuses() throws Exception {
        SocketFile file = new SocketFile(Path.of("/proc/self/status"));
        file.setMode(0444);
        assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> file.setMode(0400))
                .withMessageContaining("not permitted");
    }
}
