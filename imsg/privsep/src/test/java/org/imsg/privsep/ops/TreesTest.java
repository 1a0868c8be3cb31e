package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class TreesTest {
    private static final int OWNER = 64010;
    private static final int NEXT = 64020;
    private static final int SWAPS = 300;

    @TempDir
    Path directory;
    private Path trees;
    private Path outside;
    private CapturedLog log;

    @BeforeEach
    void make() throws Exception {
        trees = Files.createDirectory(directory.resolve("trees"));
        outside = Files.createDirectory(directory.resolve("outside"));
        Files.writeString(outside.resolve("kept"), "kept");
        log = new CapturedLog(Monitor.class);
    }

    @AfterEach
    void release() throws Exception {
        log.close();
    }

    private Policy policy() {
        return Policy.of("chown from=" + OWNER + " to=" + NEXT + ":" + NEXT + " " + trees + "/",
                "remove " + trees + "/");
    }

    /** A directory with files, a directory, and links to the outside in it. */
    private Path plant(Path tree) throws IOException {
        Files.createDirectories(tree.resolve("a/b"));
        Files.writeString(tree.resolve("a/file"), "x");
        Files.writeString(tree.resolve("a/b/file"), "x");
        Files.createSymbolicLink(tree.resolve("a/link"), outside.resolve("kept"));
        Files.createSymbolicLink(tree.resolve("directory-link"), outside);
        return tree;
    }

    private static void give(Path tree, int id) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path each : all.toList())
                Root.give(each, id);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_tree_is_removed_and_what_its_links_lead_to_is_not(Beneath way) throws Exception {
        Path tree = plant(trees.resolve("one/two"));
        try (Served served = Served.by(policy(), monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged()) {
            privileged.remove(tree);
            assertThat(tree).doesNotExist();
            assertThat(tree.getParent()).exists();
            assertThat(outside.resolve("kept")).hasContent("kept");
        }
    }

    @Test
    void the_directory_a_rule_names_is_not_removed_itself_nor_anything_through_a_link() throws Exception {
        Files.createSymbolicLink(trees.resolve("way-out"), directory);
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            for (Path path : new Path[]{trees, trees.resolve("way-out/outside"), outside,
                    Path.of(trees + "/../outside")})
                assertThatExceptionOfType(RefusedException.class).as(path.toString())
                        .isThrownBy(() -> privileged.remove(path));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.remove(trees.resolve("way-out/outside")))
                    .withMessageContaining("symbolic link")
                    .matches(e -> e.rule().equals("policy:2: remove " + trees + "/"));
            privileged.remove(trees.resolve("way-out"));
        }
        assertThat(trees).isEmptyDirectory();
        assertThat(outside.resolve("kept")).hasContent("kept");
    }

    /** Deeper than a path can be long and than descriptors should be held. */
    @Test
    void a_tree_of_any_depth_is_removed_with_few_descriptors() throws Exception {
        Path tree = Files.createDirectory(trees.resolve("deep"));
        try (Fd top = Beneath.directory(tree.toString())) {
            Fd level = top.dup();
            for (int i = 0; i < 3000; i++) {
                Path here = Path.of("/proc/self/fd/" + level.intValue());
                Files.createDirectory(here.resolve("d"));
                Files.writeString(here.resolve("f"), "x");
                Fd next = DirectoryEntries.open(level, Name.of("d"), DirectoryEntries.LISTING);
                level.close();
                level = next;
            }
            level.close();
        }
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            privileged.remove(tree);
        }
        assertThat(tree).doesNotExist();
    }

    @Test
    void names_that_are_not_utf8_are_removed_as_they_are() throws Exception {
        Path tree = Files.createDirectory(trees.resolve("bytes"));
        assertThat(new ProcessBuilder("sh", "-c",
                "cd " + tree + " && mkdir \"$(printf 'a\\377')\" && > \"$(printf 'b\\376')\"")
                .inheritIO().start().waitFor()).isZero();
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            privileged.remove(tree);
        }
        assertThat(tree).doesNotExist();
    }

    @Test
    void nothing_outside_is_removed_while_a_directory_and_a_link_trade_places() throws Exception {
        Path hidden = directory.resolve("hidden");
        Path link = Files.createSymbolicLink(directory.resolve("link"), outside);
        Path tree = trees.resolve("tree");
        Path swapped = tree.resolve("a");
        Repeatedly.Step trade = () -> {
            try {
                Files.move(swapped, hidden, StandardCopyOption.ATOMIC_MOVE);
                Files.move(link, swapped, StandardCopyOption.ATOMIC_MOVE);
                Files.move(swapped, link, StandardCopyOption.ATOMIC_MOVE);
                Files.move(hidden, swapped, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException _) {
                // the tree was removed meanwhile, with the link in it or without
                restore(hidden, link);
            }
        };
        int removed = 0;
        try (Served served = Served.by(policy());
                Privileged privileged = served.privileged();
                Repeatedly _ = new Repeatedly(trade)) {
            for (int i = 0; i < SWAPS; i++) {
                try {
                    Files.createDirectories(tree.resolve("a/b"));
                    privileged.remove(tree);
                    removed++;
                } catch (IOException _) {
                    // something moved while it was looked at
                }
                assertThat(outside.resolve("kept")).as("attempt " + i).hasContent("kept");
            }
        }
        assertThat(removed).isPositive();
    }

    private void restore(Path hidden, Path link) throws IOException {
        for (Path moved : List.of(hidden, link)) {
            if (Files.isDirectory(moved.resolve("b")))
                Files.delete(moved.resolve("b"));
            Files.deleteIfExists(moved);
        }
        Files.createSymbolicLink(link, outside);
    }

    @ParameterizedTest
    @EnumSource
    void a_trees_owner_is_changed_links_themselves_included(Beneath way) throws Exception {
        Root.required();
        Path tree = plant(trees.resolve("tree"));
        give(tree, OWNER);
        int before = (int) Files.getAttribute(outside.resolve("kept"), "unix:uid");
        try (Served served = Served.by(policy(), monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged()) {
            privileged.chown(tree, NEXT, NEXT);
        }
        try (Stream<Path> all = Files.walk(tree)) {
            assertThat(all.toList()).hasSize(7).allSatisfy(
                    each -> assertThat(Root.owner(each)).as(each.toString()).isEqualTo(NEXT + ":" + NEXT));
        }
        assertThat(Files.getAttribute(outside.resolve("kept"), "unix:uid")).isEqualTo(before);
        assertThat(Files.getAttribute(outside, "unix:uid")).isEqualTo(before);
    }

    @Test
    void another_owner_than_the_rule_has_is_refused() throws Exception {
        Path tree = plant(trees.resolve("tree"));
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.chown(tree, 0, NEXT))
                    .withMessageContaining("allows owners 64020:64020, not 0:64020");
        }
    }

    @Test
    void a_file_of_somebody_else_in_the_tree_is_not_given_away_nor_one_with_another_name() throws Exception {
        Root.required();
        Path foreign = plant(trees.resolve("foreign"));
        give(foreign, OWNER);
        Root.give(foreign.resolve("a/b/file"), 64099);
        Path linked = Files.createDirectory(trees.resolve("linked"));
        Path victim = Files.writeString(outside.resolve("victim"), "x");
        Files.createLink(linked.resolve("hard"), victim);
        give(linked, OWNER);
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.chown(foreign, NEXT, NEXT))
                    .withMessageContaining("belongs to 64099, not to 64010")
                    .matches(e -> e.rule().startsWith("policy:1: chown "));
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.chown(linked, NEXT, NEXT))
                    .withMessageContaining("has 2 hard links").matches(e -> e.rule().startsWith("policy:1: chown "));
        }
        assertThat(Root.owner(foreign.resolve("a/b/file"))).isEqualTo("64099:64099");
        assertThat(Root.owner(victim)).isEqualTo("64010:64010");
        assertThat(log.lines()).hasSize(2);
    }

    /** The directory that was looked at and one of somebody else's change places all the time. */
    @Test
    void a_directory_of_somebody_else_that_takes_the_place_of_another_is_not_given_away() throws Exception {
        Root.required();
        Path swapped = Files.createDirectory(trees.resolve("swapped"));
        Path foreign = Files.createDirectory(directory.resolve("foreign"));
        Path hidden = directory.resolve("hidden");
        Root.give(swapped, OWNER);
        Root.give(foreign, 64099);
        ChownTree request = new ChownTree(swapped.toString(), NEXT, NEXT);
        Permit<ChownTree, ChownTree.Rule> permit = Permits
                .of(Policy.of("chown from=" + OWNER + "-" + NEXT + " to=" + NEXT
                        + ":" + NEXT + " " + trees + "/"), request, () -> false);
        int replaced = 0;
        try (Repeatedly _ = new Repeatedly(() -> {
            Files.move(swapped, hidden, StandardCopyOption.ATOMIC_MOVE);
            Files.move(foreign, swapped, StandardCopyOption.ATOMIC_MOVE);
            Files.move(swapped, foreign, StandardCopyOption.ATOMIC_MOVE);
            Files.move(hidden, swapped, StandardCopyOption.ATOMIC_MOVE);
        })) {
            // Until it was met: then the change of places came between the look and the opening.
            for (int i = 0; i < SWAPS || replaced == 0 && i < 100 * SWAPS; i++) {
                try {
                    ChownTree.perform(permit).close();
                } catch (IOException e) {
                    replaced += e.getMessage().contains("was replaced by another") ? 1 : 0;
                }
            }
        }
        assertThat(Root.owner(foreign)).isEqualTo("64099:64099");
        assertThat(replaced).as("changes of places that were met").isPositive();
    }

    @Test
    void a_program_that_was_setuid_is_not_so_for_the_next_owner() throws Exception {
        Root.required();
        Path tree = Files.createDirectory(trees.resolve("tree"));
        Path program = Files.writeString(tree.resolve("program"), "x");
        give(tree, OWNER);
        Files.setAttribute(program, "unix:mode", 06755);
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            privileged.chown(tree, NEXT, NEXT);
        }
        assertThat((int) Files.getAttribute(program, "unix:mode") & 07777).isEqualTo(0755);
    }

    private static void fill(Path directory, int files) throws IOException {
        for (int i = 0; i < files; i++)
            Files.createFile(directory.resolve("file-" + i));
    }

    @Test
    void a_directory_with_more_names_than_are_kept_at_once_is_changed_and_removed_all_the_same() throws Exception {
        Root.required();
        Path tree = Files.createDirectory(trees.resolve("tree"));
        fill(tree, 2 * DirectoryEntries.BATCH + 10);
        give(tree, OWNER);
        try (Fd open = Beneath.directory(tree.toString())) {
            assertThat(DirectoryEntries.first(open)).hasSize(DirectoryEntries.BATCH);
        }
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            privileged.chown(tree, NEXT, NEXT);
            try (Stream<Path> all = Files.walk(tree)) {
                assertThat(all.map(each -> owner(each)).distinct()).containsExactly(NEXT + ":" + NEXT);
            }
            privileged.remove(tree);
        }
        assertThat(tree).doesNotExist();
    }

    private static String owner(Path file) {
        try {
            return Root.owner(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Removes a tree while somebody else, whose turn comes before each file, makes more of it. */
    private void remove(Path tree, BooleanSupplier before) throws IOException {
        RemoveTree.perform(Permits.of(policy(), new RemoveTree(tree.toString()), before)).close();
    }

    private static void make(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void who_makes_more_while_a_tree_is_removed_is_outlasted() throws Exception {
        Path tree = plant(trees.resolve("tree"));
        AtomicInteger made = new AtomicInteger();
        remove(tree, () -> {
            if (made.incrementAndGet() <= 500 && Files.exists(tree))
                make(tree.resolve("made-" + made));
            return false;
        });
        assertThat(tree).doesNotExist();
        assertThat(made.get()).isGreaterThan(500);
    }

    @Test
    void who_never_stops_making_more_ends_a_removal_with_its_time() throws Exception {
        Path tree = plant(trees.resolve("tree"));
        AtomicInteger made = new AtomicInteger();
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> remove(tree, () -> {
            make(tree.resolve("made-" + made.incrementAndGet()));
            return made.get() > 1000;
        })).matches(e -> e.name().equals("ETIMEDOUT"));
    }

    @Test
    void what_lies_deep_finds_a_place_at_the_top_whatever_names_are_taken_there() throws Exception {
        Path tree = Files.createDirectories(trees.resolve("tree/" + "d/".repeat(40))).getParent();
        for (int i = 0; i < 39; i++)
            tree = tree.getParent();
        Path top = tree;
        AtomicInteger turns = new AtomicInteger();
        remove(top, () -> {
            // By now the top has been listed.
            if (turns.getAndIncrement() == 5)
                for (int i = 0; i < 200; i++)
                    make(top.resolve(".deep-" + i + "/full"));
            return false;
        });
        assertThat(top).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource
    void what_is_mounted_in_a_tree_is_neither_removed_nor_changed(Beneath way) throws Exception {
        Root.required();
        Path tree = Files.createDirectories(trees.resolve("tree/mounted")).getParent();
        Path mounted = tree.resolve("mounted");
        run("mount", "-t", "tmpfs", "imsg-trees-test", mounted.toString());
        try (Served served = Served.by(policy(), monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged()) {
            Files.writeString(mounted.resolve("kept"), "kept");
            Files.writeString(Files.createDirectory(mounted.resolve("deep")).resolve("kept"), "kept");
            give(tree, OWNER);
            for (Path path : new Path[]{tree, mounted}) {
                assertThatExceptionOfType(ErrnoException.class).as(path.toString())
                        .isThrownBy(() -> privileged.chown(path, NEXT, NEXT)).matches(e -> e.name().equals("EXDEV"));
                assertThatExceptionOfType(ErrnoException.class).as(path.toString())
                        .isThrownBy(() -> privileged.remove(path)).matches(e -> e.name().equals("EXDEV"));
            }
            for (Path path : new Path[]{mounted.resolve("kept"), mounted.resolve("deep/kept")}) {
                assertThatExceptionOfType(RefusedException.class).as(path.toString())
                        .isThrownBy(() -> privileged.chown(path, NEXT, NEXT))
                        .withMessageContaining("something is mounted in the way");
                assertThatExceptionOfType(RefusedException.class).as(path.toString())
                        .isThrownBy(() -> privileged.remove(path))
                        .withMessageContaining("something is mounted in the way");
            }
            for (Path path : new Path[]{mounted.resolve("kept"), mounted.resolve("deep/kept")}) {
                assertThat(path).hasContent("kept");
                assertThat(Root.owner(path)).isEqualTo(OWNER + ":" + OWNER);
            }
        } finally {
            run("umount", mounted.toString());
        }
    }

    @Test
    void a_mount_of_the_same_file_system_is_noticed_too() throws Exception {
        Root.required();
        assumeThat(Beneath.best()).as("openat2").isEqualTo(Beneath.OPENAT2);
        Path tree = Files.createDirectories(trees.resolve("tree/mounted")).getParent();
        Path mounted = tree.resolve("mounted");
        run("mount", "--bind", outside.toString(), mounted.toString());
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.remove(tree))
                    .matches(e -> e.name().equals("EXDEV"));
            assertThat(outside.resolve("kept")).hasContent("kept");
        } finally {
            run("umount", mounted.toString());
        }
    }

    @Test
    void a_file_that_nobody_may_remove_is_an_error_at_once() throws Exception {
        Root.required();
        Path tree = plant(trees.resolve("tree"));
        Path file = tree.resolve("a/file");
        assumeThat(new ProcessBuilder("chattr", "+i", file.toString()).start().waitFor())
                .as("a file system with attributes").isZero();
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.remove(tree))
                    .withMessageContaining("unlinkat(file): EPERM");
        } finally {
            run("chattr", "-i", file.toString());
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.getOutputStream().close();
        assertThat(process.waitFor()).as(printed).isZero();
    }

    @Test
    void eight_deep_trees_at_once_take_a_few_descriptors_each() throws Exception {
        Root.required();
        int depth = 120;
        for (int i = 0; i < 8; i++)
            give(Files.createDirectories(trees.resolve("t" + i + "/d".repeat(depth))), OWNER);
        for (int i = 0; i < 8; i++)
            give(trees.resolve("t" + i), OWNER);
        AtomicInteger most = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        Call<Object> watch = Call.start(Call.On.PLATFORM, () -> {
            while (!over.get())
                most.accumulateAndGet(Path.of("/proc/self/fd").toFile().list().length, Math::max);
            return null;
        });
        int before = Path.of("/proc/self/fd").toFile().list().length;
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            List<Call<Object>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Path tree = trees.resolve("t" + i);
                calls.add(Call.start(Call.On.PLATFORM, () -> {
                    privileged.chown(tree, NEXT, NEXT);
                    assertThat(Root.owner(tree.resolve("d/".repeat(depth)))).isEqualTo(NEXT + ":" + NEXT);
                    privileged.remove(tree);
                    return null;
                }));
            }
            for (Call<Object> call : calls)
                call.result();
        } finally {
            over.set(true);
            watch.result();
        }
        assertThat(trees).isEmptyDirectory();
        assertThat(most.get() - before).isLessThan(80);
    }

    @Test
    void a_tree_with_more_directories_than_may_wait_is_changed_to_the_last() throws Exception {
        Root.required();
        Path tree = Files.createDirectory(trees.resolve("wide"));
        for (int i = 0; i < 3000; i++)
            Files.createDirectory(tree.resolve("d" + i));
        for (int i = 0; i < 40; i++)
            Files.createDirectory(tree.resolve("d7/e" + i));
        give(tree, OWNER);
        try (Served served = Served.by(policy()); Privileged privileged = served.privileged()) {
            privileged.chown(tree, NEXT, NEXT);
        }
        try (Stream<Path> all = Files.walk(tree)) {
            assertThat(all.map(each -> owner(each)).distinct()).containsExactly(NEXT + ":" + NEXT);
        }
    }
}
