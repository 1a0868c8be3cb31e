package org.imsg.examples.killed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.testing.TestedProgram;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every process of every example is killed at random moments, parents too, while the program starts and while its clients ask for
 * something. Nothing is lost that a client was told, no process and no file is left, and what is not killed serves on.
 */
@Timeout(3600)
class KilledProcessesTest {
    private static final int FEW = 2, MANY = 100;
    private static final long MOST_STARTING_MILLIS = 1500, MOST_SERVING_MILLIS = 200;

    @TempDir
    private Path directory;
    private final Random random = new Random();

    @ParameterizedTest
    @EnumSource
    void a_few_kills_at_random_moments_lose_nothing_and_leave_nothing(Victims which) throws Exception {
        kill(which, FEW);
    }

    @Tag("torture")
    @ParameterizedTest
    @EnumSource
    void a_hundred_kills_of_each_example_lose_nothing_and_leave_nothing(Victims which) throws Exception {
        kill(which, MANY);
    }

    private void kill(Victims which, int kills) throws Exception {
        long seed = Long.getLong("imsg.kills.seed", System.nanoTime());
        random.setSeed(seed);
        int killed = 0;
        int children = 0;
        Victim victim = which.in(directory);
        Client client = new Client(victim);
        try {
            while (killed < kills) {
                int[] life = life(victim, client, kills - killed);
                killed += life[0];
                children += life[1];
                victim.awaitNothingLeft();
            }
            lastLife(victim, client);
        } catch (Exception | AssertionError e) {
            throw new AssertionError(
                    "with -Dimsg.kills.seed=" + seed + ", after " + killed + " kills, and this was said:\n"
                            + String.join("\n", victim.program.said()),
                    e);
        } finally {
            victim.end();
        }
        System.out.printf("%s: %d killed, %d of them children; %d answers, seed %d%n", which, killed, children,
                client.answers(),
                seed);
    }

    /** Starts it and kills its processes until it ends; how many, and how many of these were not the parent. */
    private int[] life(Victim victim, Client client, int most) throws Exception {
        int killed = 0;
        int children = 0;
        try (TestedProgram program = victim.start()) {
            client.begin();
            boolean starting = random.nextBoolean();
            if (!starting)
                client.isAnswered();
            while (killed < most && program.process().isAlive()) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS
                        .toNanos(random.nextLong(starting ? MOST_STARTING_MILLIS : MOST_SERVING_MILLIS)));
                List<ProcessHandle> processes = program.processes();
                ProcessHandle one = processes.get(random.nextInt(processes.size()));
                victim.remember(processes);
                if (!one.isAlive() || !one.destroyForcibly())
                    continue;
                killed++;
                if (one.equals(program.process()))
                    break;
                children++;
                if (!starting)
                    client.isAnswered();
            }
            program.process().destroyForcibly();
            client.end();
        }
        return new int[]{killed, children};
    }

    /** Starts it once more: it serves, what was acknowledged is there, and it ends as it should. */
    private void lastLife(Victim victim, Client client) throws Exception {
        try (TestedProgram _ = victim.start()) {
            client.begin();
            assertThat(client.isAnswered()).isTrue();
            client.end();
            victim.check();
            victim.stop();
        }
        victim.awaitNothingLeft();
    }
}
