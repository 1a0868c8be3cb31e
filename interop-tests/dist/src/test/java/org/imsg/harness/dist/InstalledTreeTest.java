package org.imsg.harness.dist;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.imsg.WireFormat;
import org.imsg.harness.dist.Programs.Ended;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedServer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The archive, unpacked as a user unpacks it, at a place with a blank in its name. */
@Timeout(600)
class InstalledTreeTest {
    private static final Ended VERSION = new Ended(0, "imsg 0.1.0\n", "");

    @TempDir
    private static Path place;
    private static Path tree;

    @TempDir
    private Path directory;

    @BeforeAll
    static void unpack() throws Exception {
        tree = Programs.unpack(place.resolve("my programs"));
        assertThat(Programs.run(tree.resolve("share/imsg/make-cache")).code()).isZero();
    }

    /** The launcher's command line for the JVM, as the shell shows it. */
    private static String java(Path imsg, Map<String, String> environment) throws Exception {
        return Programs.run(environment, "sh", "-x", imsg, "--version").err().lines()
                .filter(line -> line.startsWith("+ exec")).findFirst().orElseThrow();
    }

    @Test
    void it_runs_through_links_and_from_the_path() throws Exception {
        Path bin = Files.createDirectories(directory.resolve("a b/bin"));
        Files.createSymbolicLink(directory.resolve("absolute"), tree.resolve("bin/imsg"));
        Path link = Files.createSymbolicLink(bin.resolve("imsg"), Path.of("../../absolute"));
        assertThat(Programs.run(link, "--version")).isEqualTo(VERSION);
        assertThat(Programs.run(Map.of("PATH", bin + ":" + System.getenv("PATH")), "sh", "-c",
                "cd / && exec imsg --version")).isEqualTo(VERSION);
        assertThat(Programs.run("sh", "-c", "cd '" + tree + "/bin' && sh imsg --version")).isEqualTo(VERSION);
    }

    @Test
    void it_needs_no_other_Java_and_has_only_the_modules_it_uses() throws Exception {
        assertThat(Programs.run(tree.resolve("lib/imsg/bin/java"), "--list-modules").out().lines()
                .map(line -> line.replaceFirst("@.*", ""))).containsExactly("java.base", "java.xml");
        Ended uses = Programs.run(Path.of(System.getProperty("java.home"), "bin/jdeps"), "--ignore-missing-deps",
                "--print-module-deps", tree.resolve("share/imsg/imsg.jar"));
        assertThat(List.of(uses.out().strip().split(","))).as(uses.err())
                .isSubsetOf("java.base", "java.xml", "jdk.jfr", "java.sql");
        assertThat(java(tree.resolve("bin/imsg"), Map.of())).contains("lib/imsg/bin/java");
    }

    @Test
    void the_cache_is_one_the_JVM_takes() throws Exception {
        Ended ended = Programs.run(Map.of("JAVA_TOOL_OPTIONS", "-XX:AOTMode=on"), tree.resolve("bin/imsg"),
                "--version");
        assertThat(ended.code()).as(ended.toString()).isZero();
        assertThat(java(tree.resolve("bin/imsg"), Map.of())).contains("-XX:AOTCache=");
    }

    @Test
    void every_class_of_picocli_that_a_start_loads_comes_from_the_cache() throws Exception {
        Path log = directory.resolve("log");
        assertThat(Programs.run("sh", "-c",
                "home=$0; . \"$home/share/imsg/places.sh\"; exec \"$java\" $options -Xlog:class+load:file=" + log
                        + " -XX:AOTCache=\"$shared/$key.aot\" -jar \"$jar\" send " + directory.resolve("none")
                        + " --type 1",
                tree).code()).isEqualTo(3);
        assertThat(Files.readString(log).lines().filter(line -> line.contains(" picocli.")))
                .hasSizeGreaterThan(50).filteredOn(line -> !line.contains("shared objects file"))
                .hasSizeLessThan(10);
    }

    @Test
    void a_start_and_a_message_take_little_processor_time() throws Exception {
        checkTimes(tree.resolve("bin/imsg"));
    }

    /** The bounds: 0.25 s for the version, 0.35 s for a message and its answer. */
    static void checkTimes(Path imsg) throws Exception {
        double version = Programs.processorSeconds(imsg, "--version");
        double send;
        Path sockets = Files.createTempDirectory("imsg-");
        try (ScriptedServer daemon = ScriptedServer.listen(sockets.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(1));
            client.send(2, new byte[0]);
            client.expectEnd();
        })) {
            assertThat(Programs.run(imsg, "send", daemon.socket(), "--type", 1, "--end", 2).code()).isZero();
            send = Programs.processorSeconds(imsg, "send", daemon.socket(), "--type", 1, "--end", 2);
        } finally {
            Files.deleteIfExists(sockets.resolve("s"));
            Files.delete(sockets);
        }
        System.out.printf("processor time of %s: --version %.2f s, send %.2f s%n", imsg, version, send);
        assertThat(version).isLessThanOrEqualTo(0.25);
        assertThat(send).isLessThanOrEqualTo(0.35);
    }

    @Test
    void the_first_run_has_a_cache_made_for_this_user_that_the_next_takes() throws Exception {
        Path imsg = Programs.unpack(directory.resolve("own")).resolve("bin/imsg");
        Map<String, String> home = Map.of("HOME", Files.createDirectory(directory.resolve("home")).toString());
        Path caches = Files.createDirectories(directory.resolve("home/.cache/imsg"));
        try (WatchService changes = caches.getFileSystem().newWatchService()) {
            caches.register(changes, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_DELETE);
            assertThat(Programs.run(home, imsg, "--version")).isEqualTo(VERSION);
            while (!list(caches).matches("\\[[0-9a-f]{64}\\.aot]")) {
                var key = changes.poll(280, TimeUnit.SECONDS);
                assertThat(key).as(list(caches)).isNotNull();
                key.pollEvents();
                key.reset();
            }
        }
        assertThat(java(imsg, home)).contains("-XX:AOTCache=" + caches);
        assertThat(java(imsg, Map.of("HOME", directory.resolve("other").toString()))).doesNotContain("AOTCache");
        assertThat(Programs.run(Map.of("HOME", "/proc/nowhere"), imsg, "--version")).isEqualTo(VERSION);
    }

    private static String list(Path directory) throws Exception {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList().toString();
        }
    }

    @Test
    void the_cache_of_a_jar_that_has_changed_is_not_taken() throws Exception {
        Path changed = Programs.unpack(directory.resolve("changed"));
        Path jar = changed.resolve("share/imsg/imsg.jar");
        assertThat(Programs.run(changed.resolve("share/imsg/make-cache")).code()).isZero();
        assertThat(java(changed.resolve("bin/imsg"), Map.of())).contains("AOTCache");
        FileTime time = Files.getLastModifiedTime(jar);
        try (FileSystem inside = FileSystems.newFileSystem(jar)) {
            Path file = inside.getPath("org/imsg/harness/cli/ImsgCommand.class");
            String bytes = new String(Files.readAllBytes(file), ISO_8859_1);
            Files.write(file, bytes.replace("imsg 0.1.0", "imsg 9.9.9").getBytes(ISO_8859_1));
        }
        Files.setLastModifiedTime(jar, time);
        assertThat(Programs.run(changed.resolve("bin/imsg"), "--version").out()).isEqualTo("imsg 9.9.9\n");
        assertThat(java(changed.resolve("bin/imsg"), Map.of())).doesNotContain("AOTCache");
        assertThat(Programs.run(changed.resolve("share/imsg/make-cache")).code()).isZero();
        assertThat(list(changed.resolve("var/cache/imsg"))).as("the old one is gone").matches("\\[[^,]*\\.aot]");
        assertThat(Programs.run(changed.resolve("bin/imsg"), "--version").out()).isEqualTo("imsg 9.9.9\n");
    }

    @Test
    void the_cache_of_another_user_is_not_taken() throws Exception {
        Programs.needRoot();
        Path imsg = Programs.unpack(directory.resolve("own")).resolve("bin/imsg");
        Path caches = directory.resolve("cache");
        assertThat(Programs.run(imsg.resolveSibling("../share/imsg/make-cache"), caches.resolve("imsg")).code())
                .isZero();
        Map<String, String> own = Map.of("XDG_CACHE_HOME", caches.toString());
        assertThat(java(imsg, own)).contains("AOTCache");
        try (Stream<Path> all = Files.list(caches.resolve("imsg"))) {
            for (Path file : all.toList())
                Files.setAttribute(file, "unix:uid", 64321);
        }
        assertThat(java(imsg, own)).doesNotContain("AOTCache");
    }

    @Test
    void the_licences_of_all_that_is_in_it_are_there() throws Exception {
        assertThat(tree.resolve("share/doc/imsg/LICENSE")).hasSameTextualContentAs(Path.of("../../LICENSE"));
        assertThat(tree.resolve("share/doc/imsg/LICENSE.picocli")).content().contains("Apache License");
        for (String module : List.of("java.base", "java.xml"))
            assertThat(tree.resolve("lib/imsg/legal/" + module + "/LICENSE")).content()
                    .contains("GNU General Public License");
    }

    @Test
    void the_same_sources_make_the_same_bytes() throws Exception {
        String arguments = System.getProperty("imsg.dist.arguments").replace(" - ", " '" + directory + "' ");
        Ended again = Programs.run("sh", "-c", "umask 077; exec '" + System.getProperty("java.home")
                + "/bin/java' -cp '" + System.getProperty("imsg.dist.classpath", System.getProperty("java.class.path"))
                + "' org.imsg.harness.cli.Distribution " + arguments);
        assertThat(again.code()).as(again.toString()).isZero();
        for (String end : List.of(".tar.xz", ".deb")) {
            Path first = Programs.made(end);
            assertThat(Files.mismatch(first, directory.resolve(first.getFileName()))).as(end).isEqualTo(-1);
        }
    }
}
