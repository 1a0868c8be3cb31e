package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.testing.Call;
import org.imsg.testing.ClassPlaces;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes that are started when they are asked for, with the test as their parent. */
@Timeout(120)
class OnDemandTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** A running {@link DemandProgram}. */
    private static final class Running implements Parent, AutoCloseable {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final BlockingQueue<Finish> finished = new LinkedBlockingQueue<>();
        private final CompletableFuture<ParentProcess> started = new CompletableFuture<>();
        private final FutureTask<Integer> run;

        Running(String settings) {
            Privsep program = DemandProgram.program(settings).parent(() -> this)
                    .jvm(j -> j.classPath(ClassPlaces.classPath(DemandProgram.class, Privsep.class, Imsg.class),
                            DemandProgram.class));
            run = new FutureTask<>(() -> program.run(settings));
            Thread.ofPlatform().name("parent").start(run);
        }

        @Override
        public void start(ParentProcess self) {
            self.on(DemandProgram.HEARD, (_, text) -> heard.add(DemandProgram.text(text)));
            started.complete(self);
        }

        @Override
        public void finished(ParentProcess self, Finish child) {
            finished.add(child);
        }

        ParentProcess self() throws Exception {
            return started.get(60, TimeUnit.SECONDS);
        }

        /** Asks for a session, which has the other end of what is returned. */
        FdChannel ask(String order, Duration patience) throws Exception {
            Fd.Pair ends = Fd.socketpair();
            try {
                self().request("session", Imsg.of(DemandProgram.SERVE, order).withFd(ends.second()), patience);
                return new FdChannel(ends.first());
            } catch (IOException | InterruptedException e) {
                ends.close();
                throw e;
            }
        }

        String serve(String order) throws Exception {
            try (FdChannel connection = ask(order, LONG)) {
                return all(connection);
            }
        }

        String serveAs(Ids ids) throws Exception {
            try (Fd.Pair ends = Fd.socketpair()) {
                self().requestAs("login", ids, Imsg.of(DemandProgram.SERVE, "user").withFd(ends.second()), LONG);
                try (FdChannel connection = new FdChannel(ends.first())) {
                    return all(connection);
                }
            }
        }

        void tell(String what, Fd passed) throws Exception {
            self().peer("asker").send(Imsg.of(DemandProgram.ASK, what).withFd(passed));
        }

        Finish awaitEnd(String role) throws InterruptedException {
            for (;;) {
                Finish next = finished.poll(60, TimeUnit.SECONDS);
                assertThat(next).as("the end of a process of %s", role).isNotNull();
                if (next.role().equals(role))
                    return next;
            }
        }

        @Override
        public void close() {
            try {
                self().stop();
                run.get(60, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new AssertionError("the program did not stop", e);
            }
        }
    }

    private static String all(FdChannel connection) throws IOException {
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(1000);
        while (connection.read(buffer.clear()) >= 0)
            read.write(buffer.array(), 0, buffer.position());
        return read.toString(UTF_8);
    }

    private static String next(FdChannel connection) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1000);
        int length = connection.read(buffer);
        return length < 0 ? "" : new String(buffer.array(), 0, length, UTF_8);
    }

    @Test
    void each_request_has_a_rehearsed_process_to_itself_and_its_connection() throws Exception {
        try (Running program = new Running("4 1 1 10 confined")) {
            Set<String> pids = new HashSet<>();
            for (int i = 0; i < 5; i++)
                pids.add(program.serve("pid"));
            assertThat(pids).hasSize(5).allMatch(pid -> pid.matches("\\d+"));
            assertThat(program.serve("user")).isEqualTo(DemandProgram.SESSION.toString());
        }
    }

    @Test
    void a_session_runs_as_the_user_its_request_names_if_the_role_permits_that() throws Exception {
        try (Running program = new Running("4 0 1 10")) {
            for (Ids ids : List.of(Ids.of(64_062, 64_063, 64_064), Ids.of(64_065, 64_065)))
                assertThat(program.serveAs(ids)).isEqualTo(ids.toString());
            for (Ids ids : List.of(Ids.of(0, 64_062), Ids.of(64_062, 0), Ids.of(64_062, 64_062, 0), Ids.of(1000, 1000)))
                assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> program.serveAs(ids))
                        .withMessageContaining("may not be started as");
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> program.self().request("login", Imsg.of(DemandProgram.SERVE, "pid"), LONG));
            assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> program.self()
                    .requestAs("session", Ids.of(64_062, 64_062), Imsg.of(DemandProgram.SERVE, "pid"), LONG));
        }
    }

    @Test
    void a_process_serves_several_requests_if_its_role_says_so() throws Exception {
        try (Running program = new Running("4 1 3 10")) {
            List<String> pids = new ArrayList<>();
            for (int i = 0; i < 6; i++)
                pids.add(program.serve("pid"));
            assertThat(pids.subList(0, 3)).containsOnly(pids.getFirst());
            assertThat(new HashSet<>(pids)).hasSizeBetween(2, 3);
        }
    }

    @Test
    void who_asks_past_the_limit_is_told_and_may_wait() throws Exception {
        try (Running program = new Running("2 1 1 10"); FdChannel one = program.ask("hold", LONG)) {
            assertThat(next(one)).isEqualTo("held");
            try (FdChannel two = program.ask("hold", LONG)) {
                assertThat(next(two)).isEqualTo("held");
                assertThatExceptionOfType(RoleBusyException.class)
                        .isThrownBy(() -> program.ask("hold", Duration.ofMillis(100)))
                        .withMessageContaining("there are 2 of at most 2");
                assertThatExceptionOfType(RoleBusyException.class)
                        .isThrownBy(() -> program.ask("hold", Duration.ZERO));
            }
            assertThat(program.serve("pid")).matches("\\d+");
        }
    }

    @Test
    void a_role_that_is_taken_down_serves_nobody_until_it_is_up_and_one_that_is_restarted_has_new_processes()
            throws Exception {
        try (Running program = new Running("4 1 5 10")) {
            String first = program.serve("pid");
            program.self().restart("session");
            program.awaitEnd("session");
            assertThat(program.serve("pid")).matches("\\d+").isNotEqualTo(first);
            program.self().down("session");
            program.awaitEnd("session");
            assertThatExceptionOfType(RoleBusyException.class).isThrownBy(() -> program.ask("pid", LONG))
                    .withMessage("role session is down");
            program.self().up("session");
            assertThat(program.serve("pid")).matches("\\d+");
            assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> program.self().down("nobody"))
                    .withMessage("there is no role nobody");
        }
    }

    @Test
    void a_session_that_dies_or_fails_ends_its_own_connection_only() throws Exception {
        try (Running program = new Running("4 2 1 10"); FdChannel other = program.ask("hold", LONG)) {
            assertThat(next(other)).isEqualTo("held");
            assertThat(program.serve("exit")).isEmpty();
            assertThat(program.awaitEnd("session").how().code()).isEqualTo(7);
            assertThat(program.serve("throw")).isEmpty();
            assertThat(program.awaitEnd("session").how().code()).isZero();
            assertThat(program.serve("pid")).matches("\\d+");
            other.write(ByteBuffer.wrap(new byte[1]));
            assertThat(next(other)).isEmpty();
        }
    }

    @Test
    void the_user_of_many_processes_may_have_threads_for_all_of_them() throws Exception {
        try (Running program = new Running("20 1 1 10 confined"); FdChannel one = program.ask("hold", LONG)) {
            assertThat(next(one)).isEqualTo("held");
            assertThat(ProcessHandle.current().children().map(child -> limits(child.pid())))
                    .anyMatch(limits -> limits.contains("Max processes 1280 1280 "));
        }
    }

    private static String limits(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/limits")).replaceAll(" +", " ");
        } catch (IOException _) {
            return "gone";
        }
    }

    @Test
    void an_error_in_a_session_ends_its_process_and_the_next_request_has_another() throws Exception {
        try (Running program = new Running("1 1 5 10")) {
            assertThat(program.serve("error")).isEmpty();
            assertThat(program.awaitEnd("session").how().code()).isEqualTo(1);
            assertThat(program.serve("pid")).matches("\\d+");
        }
    }

    @Test
    void a_session_that_says_twice_that_it_is_done_is_killed() throws Exception {
        try (Running program = new Running("4 1 5 10")) {
            assertThat(program.serve("done twice")).isEmpty();
            assertThat(program.awaitEnd("session").how().signal()).isEqualTo(9);
            assertThat(program.serve("pid")).matches("\\d+");
        }
    }

    @Test
    void a_role_that_may_asks_for_a_session_and_speaks_with_it() throws Exception {
        try (Running program = new Running("4 1 1 10"); Fd.Pair ends = Fd.socketpair()) {
            program.tell("hold", ends.second());
            try (FdChannel connection = new FdChannel(ends.first())) {
                assertThat(next(connection)).isEqualTo("held");
                assertThat(program.heard.poll(60, TimeUnit.SECONDS)).endsWith("of demand greets");
            }
        }
    }

    /** Nor for one that starts as the user whom the parent names, though it is named as one that asks: it would be started as no user. */
    @ParameterizedTest
    @ValueSource(strings = {"asker", "login"})
    void a_child_that_asks_for_a_role_it_may_not_ask_for_is_killed(String role) throws Exception {
        try (Running program = new Running("4 0 1 10"); Fd.Pair ends = Fd.socketpair()) {
            program.tell("stranger to " + role, ends.second());
            assertThat(program.awaitEnd("asker").how().signal()).isEqualTo(9);
            assertThat(program.run.get(60, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void a_child_that_asks_without_end_keeps_no_more_than_its_bound_in_the_parent() throws Exception {
        try (Running program = new Running("2 1 1 1000"); Fd.Pair ends = Fd.socketpair()) {
            program.serve("pid");
            int before = descriptors();
            program.tell("flood", ends.second());
            try (FdChannel connection = new FdChannel(ends.first())) {
                assertThat(next(connection)).startsWith("held");
                assertThatExceptionOfType(RoleBusyException.class)
                        .isThrownBy(() -> program.ask("pid", Duration.ofSeconds(1)));
                assertThat(descriptors() - before).isLessThan(PeerBounds.USUAL.queuedDescriptors() + 40);
            }
        }
    }

    @Test
    void the_requests_of_a_child_that_has_ended_wait_no_longer() throws Exception {
        try (Running program = new Running("1 0 1 1000 restarting"); Fd.Pair ends = Fd.socketpair()) {
            program.serve("pid");
            int before = descriptors();
            program.tell("flood", ends.second().dup());
            try (FdChannel connection = new FdChannel(ends.first())) {
                assertThat(next(connection)).startsWith("held");
                Call.until(() -> descriptors() - before > 30);
                program.tell("exit", ends.second().dup());
                assertThat(program.awaitEnd("asker").how().code()).isEqualTo(3);
                Call.until(() -> descriptors() - before < 20);
            }
        }
    }

    private static int descriptors() {
        return new java.io.File("/proc/self/fd").list().length;
    }

    @Test
    void after_hundreds_of_connections_no_process_descriptor_or_thread_is_left() throws Exception {
        try (Running program = new Running("6 1 100 1000")) {
            for (int i = 0; i < 50; i++)
                program.serve("pid");
            int descriptors = descriptors();
            int threads = Thread.getAllStackTraces().size();
            for (int i = 0; i < 1000; i++)
                assertThat(program.serve("pid")).matches("\\d+");
            assertThat(descriptors()).isLessThan(descriptors + 60);
            assertThat(Thread.getAllStackTraces().size()).isLessThan(threads + 40);
        }
        assertThat(ProcessHandle.current().children().filter(child -> child.info().arguments()
                .map(all -> List.of(all).contains(DemandProgram.class.getName())).orElse(false))).isEmpty();
    }
}
