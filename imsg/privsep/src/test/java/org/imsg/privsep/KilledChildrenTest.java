package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two hundred children that are killed while they load, confine themselves, connect or talk: nothing of them is left. */
@Timeout(180)
class KilledChildrenTest {
    private static final int AT_A_TIME = 10;
    private static final int KILLS = 200;
    private static final long SEED = 4;

    private final Set<Integer> pids = ConcurrentHashMap.newKeySet();
    private final AtomicInteger killed = new AtomicInteger();

    @Test
    void two_hundred_children_killed_at_random_moments_leave_nothing_and_their_successors_are_joined(
            @TempDir Path temporary) throws Exception {
        Set<Path> before = files();
        try (CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("again*" + AT_A_TIME + ">again",
                        program -> program.jvm(j -> j.options("-Djava.io.tmpdir=" + temporary)))) {
            parent.onFinish(child -> {
                pids.add(child.pid());
                if (child.how().signal() == 9)
                    killed.incrementAndGet();
                return true;
            });
            killAtRandom(parent);
            everybodyIsJoinedToEverybody(parent);
        }
        assertThat(pids).hasSizeGreaterThanOrEqualTo(KILLS);
        assertThat(temporary).isEmptyDirectory();
        assertThat(filesNamedAfterThem()).isSubsetOf(before);
    }

    /** Kills any child that is alive at the moment, at any point of its life, and waits until the end of each is known. */
    private void killAtRandom(TestParent parent) throws InterruptedException {
        Random random = new Random(SEED);
        Set<ProcessHandle> victims = new HashSet<>();
        while (killed.get() < KILLS) {
            List<ProcessHandle> alive = ProcessHandle.current().children().toList();
            if (!alive.isEmpty()) {
                ProcessHandle victim = alive.get(random.nextInt(alive.size()));
                victim.destroyForcibly();
                victims.add(victim);
            }
            // The moments between two kills are what is random here.
            LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(200)));
            parent.forget();
            if (Thread.interrupted())
                throw new InterruptedException("after " + killed + " kills");
        }
        // An order for a child that is dying would be lost.
        Call.until(() -> victims.stream().allMatch(victim -> pids.contains((int) victim.pid())));
    }

    private static void everybodyIsJoinedToEverybody(TestParent parent) throws Exception {
        Call.until(() -> parent.self().peers("again").size() == AT_A_TIME);
        boolean joined = false;
        while (!joined) {
            parent.forget();
            everybody(parent, "census");
            parent.awaitAll(all(i -> "again[" + i + "] counts"));
            joined = parent.heard().stream().filter(said -> said.contains("counts"))
                    .allMatch(said -> said.endsWith(" " + (AT_A_TIME - 1)));
        }
        parent.forget();
        everybody(parent, "ask again");
        for (int asking = 0; asking < AT_A_TIME; asking++) {
            int who = asking;
            parent.awaitAll(IntStream.range(0, AT_A_TIME).filter(i -> i != who)
                    .mapToObj(i -> "again[" + who + "] heard again[" + i + "] of testprogram to again[" + who + "]")
                    .toArray(String[]::new));
        }
    }

    private static String[] all(java.util.function.IntFunction<String> text) {
        return IntStream.range(0, AT_A_TIME).mapToObj(text).toArray(String[]::new);
    }

    private static void everybody(TestParent parent, String order) throws Exception {
        for (int i = 0; i < AT_A_TIME; i++)
            parent.tell("again", i, order);
    }

    /** What a JVM may leave under its number: hsperfdata, attach sockets, error reports. */
    private List<Path> filesNamedAfterThem() throws IOException {
        Set<String> names = pids.stream().flatMap(
                pid -> Stream.of("" + pid, ".java_pid" + pid, ".attach_pid" + pid, "hs_err_pid" + pid + ".log"))
                .collect(Collectors.toSet());
        return files().stream().filter(file -> names.contains(file.getFileName().toString())).toList();
    }

    /** What lies where they may leave it: an earlier JVM that was killed may have had the same number. */
    private static Set<Path> files() throws IOException {
        try (Stream<Path> inTmp = Files.list(Path.of("/tmp")); Stream<Path> here = Files.list(Path.of(""))) {
            return Stream.concat(Stream.concat(inTmp, here), performanceData().stream()).collect(Collectors.toSet());
        }
    }

    private static List<Path> performanceData() throws IOException {
        Path directory = Path.of("/tmp/hsperfdata_" + System.getProperty("user.name"));
        if (!Files.isDirectory(directory))
            return List.of();
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }
}
