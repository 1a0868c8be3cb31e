package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ClassPlaces;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.unix.Fd;

/** A {@link TestProgram} whose parent is the test itself: what its children say, and how they end, can be waited for. */
final class TestParent implements Parent, AutoCloseable {
    private static final String OVER = "the program is over";

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final List<String> passed = new CopyOnWriteArrayList<>();
    private final FutureTask<Integer> run;
    private volatile ParentProcess self;
    private volatile Predicate<Finish> hook = _ -> true;

    TestParent(String roles) {
        this(roles, program -> program);
    }

    TestParent(String roles, UnaryOperator<Privsep> settings) {
        Privsep program = settings.apply(program(roles)).parent(() -> this);
        run = new FutureTask<>(() -> {
            try {
                return program.run(roles);
            } finally {
                heard.add(OVER);
            }
        });
        Thread.ofPlatform().name("parent").start(run);
        await("parent started");
    }

    /** The program, as a test's JVM starts it, which has another main. */
    static Privsep program(String roles) {
        return TestProgram.program(roles)
                .jvm(j -> j.classPath(ClassPlaces.classPath(TestProgram.class, Privsep.class, Imsg.class),
                        TestProgram.class));
    }

    @Override
    public void start(ParentProcess process) {
        self = process;
        self.on(TestProgram.SAY, (from, text) -> heard.add(from + " " + TestProgram.text(text)));
        self.on(TestProgram.NUMBER, (_, number) -> heard.add("number " + number.getIbuf().getN32()));
        self.on(TestProgram.FILL, (from, what) -> from.send(TestProgram.text(what).equals("descriptors")
                ? Imsg.of(TestProgram.FILL).withFd(Fd.open(Path.of("/dev/null")))
                : Imsg.of(TestProgram.FILL, 0, 0, new byte[16_000])));
        self.on(TestProgram.FAIL, (_, error) -> {
            switch (TestProgram.text(error)) {
                case "stack" -> overflow(0);
                case "memory" -> throw new OutOfMemoryError("as told");
                default -> throw new NoClassDefFoundError("as told");
            }
        });
        heard.add("parent started");
    }

    private static int overflow(int depth) {
        return overflow(depth + 1) + 1;
    }

    @Override
    public void finished(ParentProcess process, Finish child) {
        heard.add("finished " + child.toString().replaceAll(" \\(pid \\d+\\)", ""));
        hook.test(child);
    }

    /** Replaces what the finish hook does. */
    void onFinish(Predicate<Finish> does) {
        hook = does;
    }

    ParentProcess self() {
        return self;
    }

    void tell(String role, int instance, String order) throws Exception {
        self.peer(role, instance).send(Imsg.of(TestProgram.DO, order));
    }

    /** The next that begins so; the others before it are kept for {@link #heard}. */
    String await(String beginning) {
        try {
            for (;;) {
                String next = heard.poll(30, TimeUnit.SECONDS);
                assertThat(next).as("waiting for \"%s\" after %s", beginning, passed).isNotNull();
                passed.add(next);
                assertThat(next).as("waiting for \"%s\" after %s", beginning, passed).isNotEqualTo(OVER);
                if (next.startsWith(beginning))
                    return next;
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting for " + beginning, e);
        }
    }

    /** Waits until all of these were heard, in any order. */
    void awaitAll(String... beginnings) {
        for (String beginning : beginnings)
            if (passed.stream().noneMatch(said -> said.startsWith(beginning)))
                await(beginning);
    }

    List<String> heard() {
        heard.drainTo(passed);
        return passed;
    }

    void forget() {
        heard.clear();
        passed.clear();
    }

    /** What {@link Privsep#run} returned. */
    int result() throws Exception {
        return run.get(30, TimeUnit.SECONDS);
    }

    static Deadlines deadlines(Duration end, Duration term, Duration finish) {
        return new Deadlines(Duration.ofSeconds(30), end, term, finish);
    }

    @Override
    public void close() {
        if (self != null)
            self.stop();
        try {
            result();
        } catch (Exception e) {
            throw new AssertionError("the program did not stop", e);
        }
    }
}
