package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ManyVirtualThreadsTest {
    private static final int WANTED = 10_000;
    /** For everything else in the process. */
    private static final int SPARE = 500;

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "poll"})
    void ten_thousand_virtual_threads_wait_in_receive_on_two_carriers_while_others_work(String poller,
            TestReporter reporter) throws Exception {
        int count = Math.min(WANTED, mostDescriptors() - SPARE);
        reporter.publishEntry("waiting virtual threads, of " + WANTED + " wanted", Integer.toString(count));
        String name = "imsg-many-" + poller + ProcessHandle.current().pid();
        List<ImsgChannel> channels = new ArrayList<>();
        try (var listener = ImsgListener.at(UnixAddress.ofAbstract(name)).backlog(1000).listen()) {
            Call<String> child = Call.start(Call.On.PLATFORM,
                    () -> new ChildJvm().option("-Dimsg.poller=" + poller)
                            .option("-Djdk.virtualThreadScheduler.parallelism=2")
                            .option("-Djdk.virtualThreadScheduler.maxPoolSize=2")
                            .run(ManyVirtualThreads.class, name, Integer.toString(count)));
            try (ImsgChannel control = listener.accept(Duration.ofMinutes(1))) {
                for (int i = 0; i < count; i++)
                    channels.add(listener.accept(Duration.ofMinutes(1)));
                assertThat(control.receive().type()).isEqualTo(ManyVirtualThreads.ALL_WAIT);
                for (int i = 0; i < count; i++)
                    channels.get(i).send(Imsg.of(i));
                for (int i = 0; i < count; i++)
                    assertThat(channels.get(i).receive().type()).isEqualTo(i + 1);
                Imsg result = control.receive();
                assertThat(result.type()).isEqualTo(ManyVirtualThreads.ALL_RECEIVED);
                assertThat(result.getIbuf().getN32()).isEqualTo(count);
            }
            assertThat(child.result()).isEmpty();
        } finally {
            for (ImsgChannel channel : channels)
                channel.close();
        }
    }

    /** The JVM raises its own limit as far as it may. */
    private static int mostDescriptors() throws IOException {
        String limit = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                .filter(line -> line.startsWith("Max open files")).findFirst().orElseThrow().split("\\s+")[4];
        return limit.equals("unlimited") ? Integer.MAX_VALUE : Integer.parseInt(limit);
    }
}
