package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Machines of Linux that have no table of their own: what needs none works, what does falls back. */
@Timeout(60)
class UnknownMachineTest {
    private static final String REFUSAL = "the system call numbers of Linux are known here for x86_64 and aarch64, not for loongarch64";

    @Test
    void messages_descriptors_locks_and_virtual_threads_work_without_a_table(@TempDir Path directory) throws Exception {
        assumeThat(System.getProperty("os.arch")).as("a machine whose files are opened as on most")
                .isNotEqualTo("aarch64");
        // poll(2), because epoll_event is packed on x86_64 only.
        String output = new ChildJvm().option("-Dimsg.poller=poll").run(UnknownMachine.class, directory.toString());
        assertThat(output.lines()).containsExactly(REFUSAL, REFUSAL, "received 1, a file of 6 bytes");
    }

    @Test
    void proc_tells_of_a_descriptor_what_fstat_does(@TempDir Path directory) throws Exception {
        int closed;
        try (Fd file = Fd.open(Files.createFile(directory.resolve("file")));
                Fd folder = Fd.open(directory);
                Fd.Pair pipe = Fd.pipe();
                Fd.Pair sockets = Fd.socketpair()) {
            Files.delete(directory.resolve("file"));
            assertThat(DescriptorStatus.ofProc(file.intValue()).isRegular()).isTrue();
            assertThat(DescriptorStatus.ofProc(sockets.first().intValue()).isSocket()).isTrue();
            for (Fd fd : new Fd[]{file, folder, pipe.first(), sockets.first()})
                assertThat(DescriptorStatus.ofProc(fd.intValue())).isEqualTo(DescriptorStatus.of(fd.intValue()));
            closed = file.intValue();
        }
        assertThat(DescriptorStatus.ofProc(closed)).isEqualTo(DescriptorStatus.of(closed));
    }
}
