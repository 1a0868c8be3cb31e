package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Root;
import org.imsg.privsep.rights.TestControlGroups;
import org.imsg.testing.ProgramJar;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program as a service of this machine's systemd, which runs as the first process of namespaces of its own, over a copy of this machine's
 * files that is gone with it.
 */
@Timeout(240)
class UnderRealSystemdTest {
    private static final Path SYSTEMD = Path.of("/lib/systemd/systemd");
    /** What the shell ends with where it may not mount all this. */
    private static final int NO_NAMESPACES = 77;
    /** Arguments: a directory for the copy's files, one that the service sees, and the JDK. */
    private static final String BOOT = """
            set -e
            trap 'exit 77' EXIT
            mount -t tmpfs tmpfs "$1"
            mkdir "$1/upper" "$1/work" "$1/root"
            mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
            cd "$1/root"
            mount -t proc proc proc
            mount -t sysfs -o ro sysfs sys
            mount -t cgroup2 cgroup2 sys/fs/cgroup
            mount -t tmpfs tmpfs run
            mount -t tmpfs -o mode=755 tmpfs dev
            for each in null:3 zero:5 random:8 urandom:9; do
                mknod -m 666 "dev/${each%:*}" c 1 "${each#*:}"
            done
            mkdir -p run/service run/java run/systemd/system
            mount --bind "$2" run/service
            mount --bind "$3" run/java
            cp run/service/imsg.* run/systemd/system/
            exec env -i container=imsg PATH=/usr/bin:/bin:/usr/sbin:/sbin \\
                setpriv --bounding-set -sys_time,-sys_boot,-sys_module \\
                chroot . /lib/systemd/systemd --unit=imsg.target --log-target=console --show-status=no
            """;
    private static final Map<String, String> UNITS = Map.of("imsg.target", """
            [Unit]
            DefaultDependencies=no
            Wants=imsg.socket imsg.service
            """, "imsg.socket", """
            [Unit]
            DefaultDependencies=no
            [Socket]
            ListenStream=/run/service/http
            FileDescriptorName=http
            """, "imsg.service", """
            [Unit]
            DefaultDependencies=no
            [Service]
            Type=notify
            ExecStart=/run/java/bin/java -XX:TieredStopAtLevel=1 -jar /run/service/program.jar
            ExecReload=/bin/kill -HUP $MAINPID
            TimeoutStartSec=60
            WatchdogSec=5
            TimeoutAbortSec=1
            SuccessExitStatus=143
            Restart=on-watchdog
            """);

    private static final String SHOWN = "ActiveState,StatusText,NRestarts,MainPID,WatchdogTimestampMonotonic,Result,ExecMainStatus";

    /** The service: its role serves on the socket it was passed. */
    static final class Service implements Role {
        public static void main(String... arguments) throws Exception {
            System.exit(Privsep.program("service").role("web", Service::new, r -> r.descriptors("http"))
                    .run(arguments));
        }

        @Override
        public void start(RoleProcess self) {
            Fd listener = self.descriptors("http").getFirst();
            Thread.ofPlatform().daemon().start(() -> {
                for (;;)
                    try (FdChannel client = new FdChannel(Sockets.accept(listener))) {
                        client.write(ByteBuffer.wrap("served".getBytes(UTF_8)));
                    } catch (IOException e) {
                        self.log().log(System.Logger.Level.ERROR, "no more connections", e);
                        return;
                    }
            });
        }
    }

    @TempDir
    private Path directory;
    private TestControlGroups group;
    private Process namespaces;
    private long systemd;

    @BeforeEach
    void boot() throws Exception {
        boolean there = Files.isExecutable(SYSTEMD);
        if ("required".equals(System.getenv("IMSG_PEERS")))
            assertThat(there).as("IMSG_PEERS=required, but there is no " + SYSTEMD).isTrue();
        assumeTrue(there, "there is no " + SYSTEMD);
        Root.required();
        group = TestControlGroups.make();
        ProgramJar.in(directory, Service.class, Privsep.class, Imsg.class);
        for (Map.Entry<String, String> unit : UNITS.entrySet())
            Files.writeString(directory.resolve(unit.getKey()), unit.getValue());
        Path state = Files.createDirectory(directory.resolve("state"));
        // The shell enters the group, which is the root of all groups for what it becomes.
        namespaces = new ProcessBuilder("/bin/sh", "-c", "echo 0 > " + group.directory + "/cgroup.procs && exec \"$@\"",
                "sh", "unshare", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net", "--fork", "--kill-child",
                "/bin/sh", "-c", BOOT, "sh", state.toString(), directory.toString(),
                System.getProperty("java.home")).redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile()).start();
        while (namespaces.children().findAny().isEmpty() && namespaces.isAlive())
            Thread.yield();
        systemd = namespaces.children().findAny().map(ProcessHandle::pid).orElse(0L);
    }

    @AfterEach
    void halt() throws Exception {
        if (group == null)
            return;
        if (namespaces != null) {
            namespaces.destroyForcibly();
            namespaces.waitFor();
        }
        group.endAll();
    }

    private String run(String... command) throws Exception {
        List<String> inside = new ArrayList<>(List.of("nsenter", "-t", Long.toString(systemd), "-a", "-r", "-w"));
        inside.addAll(List.of(command));
        Process process = new ProcessBuilder(inside).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        process.waitFor();
        return output;
    }

    /** Asks systemd until the service is so. */
    private Map<String, String> await(String property, String value) throws Exception {
        for (;;) {
            Map<String, String> all = run("systemctl", "show", "imsg.service", "-p", SHOWN).lines()
                    .filter(line -> line.contains("="))
                    .collect(Collectors.toMap(line -> line.substring(0, line.indexOf('=')),
                            line -> line.substring(line.indexOf('=') + 1), (first, _) -> first));
            if (all.getOrDefault(property, "").matches(value))
                return all;
            assumeTrue(namespaces.isAlive() || namespaces.exitValue() != NO_NAMESPACES,
                    () -> "no system of files for systemd: " + log());
            if (!namespaces.isAlive() || "failed".equals(all.get("ActiveState")))
                throw new AssertionError(all + "\n" + log());
        }
    }

    private String log() {
        try {
            return Files.readString(directory.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String served() throws IOException {
        try (FdChannel client = new FdChannel(Sockets.connect(UnixAddress.of(directory.resolve("http"))))) {
            ByteBuffer answer = ByteBuffer.allocate(100);
            while (client.read(answer) >= 0)
                continue;
            return new String(answer.array(), 0, answer.position(), UTF_8);
        }
    }

    @Test
    void systemd_starts_it_with_its_socket_is_told_its_state_restarts_it_when_it_hangs_and_stops_it() throws Exception {
        Map<String, String> running = await("ActiveState", "active");
        assertThat(running).containsEntry("NRestarts", "0");
        await("StatusText", "running: web 1");
        assertThat(served()).isEqualTo("served");

        await("WatchdogTimestampMonotonic", "(?!" + running.get("WatchdogTimestampMonotonic") + "$)[0-9]+");
        run("kill", "-STOP", running.get("MainPID"));
        await("NRestarts", "1");
        await("ActiveState", "active");
        await("StatusText", "running: web 1");
        assertThat(served()).isEqualTo("served");

        assertThat(run("systemctl", "reload", "imsg.service")).isEmpty();
        assertThat(await("ActiveState", "active")).containsEntry("NRestarts", "1");
        run("systemctl", "stop", "imsg.service");
        assertThat(await("ActiveState", "inactive")).containsEntry("Result", "success")
                .containsEntry("ExecMainStatus", "143");
    }
}
