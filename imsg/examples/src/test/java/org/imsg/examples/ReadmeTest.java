package org.imsg.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Policy;
import org.imsg.testing.ClassPlaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the manuals show is true: their Java compiles, their programs and flags run, their links lead somewhere. */
@Timeout(120)
class ReadmeTest {
    private static final Path ROOT = Path.of("..", "..");
    private static final String EXAMPLES = "imsg/examples/README.md";
    private static final int MOST_BYTES = 12 * 1024;
    private static final List<String> MODULES = List.of("imsg", "imsg/privsep", "imsg/peers", "imsg/examples",
            "imsg-netty",
            "interop-tests", "interop-tests/harness", "benchmarks");
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)[^\\n`]*\\n(.*?)^```$",
            Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]*)(#[^)]*)?\\)");
    private static final Pattern ROW = Pattern.compile("^\\| (.*?) \\| .*? \\| (.*) \\|$", Pattern.MULTILINE);
    private static final Pattern PROOF = Pattern.compile("example `(\\w+)`|`([A-Z]\\w+)(?:\\.(\\w+))?`");
    private static final Pattern SPACE = Pattern.compile("\\s+");

    /** A command line of Maven, in a block or in a sentence. */
    private static final Pattern MAVEN = Pattern.compile("(?m)^[$ ]*(mvn [^#\\n]*)|`(mvn [^`]*)`");
    private static final Pattern WORD = Pattern.compile("(?<= )'?-([PD])([\\w.-]+)(?:=([^ ']*))?");
    /** Of Maven itself and its plugins. */
    private static final Set<String> PROPERTIES = Set.of("skipTests", "test", "surefire.failIfNoSpecifiedTests",
            "gpg.keyname");

    /** A manual, by its path in the tree. */
    record Manual(String name) {
        String text() {
            return read(ROOT.resolve(name));
        }

        List<String> blocks(String language) {
            return BLOCK.matcher(text()).results().filter(block -> block.group(1).equals(language))
                    .map(block -> block.group(2)).toList();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** A block of Java and the manual it stands in. */
    record Shown(Manual manual, String java) {
        @Override
        public String toString() {
            return manual + ": " + java.lines().findFirst().orElse("");
        }
    }

    static List<Manual> manuals() {
        return Stream.concat(Stream.of("README.md", "c-reference/README.md"), MODULES.stream()
                .map(module -> module + "/README.md")).filter(name -> Files.exists(ROOT.resolve(name))).map(Manual::new)
                .toList();
    }

    static List<Shown> shown() {
        return manuals().stream().flatMap(manual -> manual.blocks("java").stream().map(java -> new Shown(manual, java)))
                .toList();
    }

    @Test
    void every_module_has_a_manual() {
        assertThat(manuals()).extracting(Manual::name).contains("README.md", "imsg/README.md", "imsg/privsep/README.md",
                "imsg/peers/README.md", "imsg/examples/README.md", "imsg-netty/README.md", "interop-tests/README.md",
                "c-reference/README.md", "benchmarks/README.md");
    }

    @Test
    void each_program_that_was_learned_from_has_a_test_or_an_example_that_exists() {
        List<MatchResult> rows = ROW.matcher(new Manual("imsg/privsep/README.md").text()
                .split("## Which program has what\n", 2)[1]).results().skip(1).toList();
        assertThat(rows).flatExtracting(row -> List.of(row.group(1).replaceAll(" \\(.*?\\)", "").split(", ")))
                .contains("privman", "Ding", "publicfile", "setuidgid", "chpst", "s6", "avahi", "systemd", "syslogd",
                        "ntpd", "tcpdump", "dhclient", "Postfix", "OpenSSH", "setuid start", "socketpair");
        Path programs = ROOT.resolve("imsg/examples/src/main/java/org/imsg/examples");
        for (MatchResult row : rows) {
            List<MatchResult> proofs = PROOF.matcher(row.group(2)).results().toList();
            assertThat(proofs).as(row.group()).isNotEmpty();
            for (MatchResult proof : proofs)
                if (proof.group(1) != null)
                    assertThat(programs.resolve(proof.group(1))).isDirectory();
                else
                    assertThat(sources().filter(file -> file.endsWith(proof.group(2) + ".java")).map(ReadmeTest::read))
                            .as(proof.group()).anyMatch(test -> proof.group(3) == null
                                    || test.contains("void " + proof.group(3) + "("));
        }
    }

    @Test
    void the_first_page_is_read_in_a_sitting() {
        assertThat(new Manual("README.md").text().getBytes(StandardCharsets.UTF_8))
                .hasSizeLessThanOrEqualTo(MOST_BYTES);
    }

    @ParameterizedTest
    @MethodSource("shown")
    void a_block_of_java_stands_word_for_word_in_a_source_that_is_compiled(Shown shown) {
        String wanted = words(shown.java());
        assertThat(sources().filter(file -> words(read(file)).contains(wanted)).toList()).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("manuals")
    void a_link_leads_to_a_file_and_a_heading_that_are_there(Manual manual) {
        Path file = ROOT.resolve(manual.name());
        assertThat(LINK.matcher(manual.text()).results().filter(link -> !link.group(1).startsWith("http")))
                .allSatisfy(link -> {
                    Path target = link.group(1).isEmpty() ? file : file.resolveSibling(link.group(1));
                    assertThat(target).exists();
                    if (link.group(2) != null)
                        assertThat(anchors(read(target))).contains(link.group(2));
                });
    }

    @ParameterizedTest
    @MethodSource("manuals")
    void a_profile_a_property_and_a_test_that_a_command_of_Maven_names_are_there(Manual manual) {
        assertThat(MAVEN.matcher(manual.text()).results().map(MatchResult::group)
                .flatMap(line -> WORD.matcher(line).results()).filter(word -> !isThere(word)).map(MatchResult::group))
                .isEmpty();
    }

    private static boolean isThere(MatchResult word) {
        String name = word.group(2);
        if (word.group(1).equals("P"))
            return poms().anyMatch(pom -> pom.contains("<id>" + name + "</id>"));
        if (!name.equals("test"))
            return PROPERTIES.contains(name) || poms().anyMatch(pom -> pom.contains("${" + name + "}"));
        String test = word.group(3).replaceAll(".*[.*]", "");
        return test.isEmpty() || sources().anyMatch(file -> file.endsWith(test + ".java"));
    }

    private static Stream<String> poms() {
        return Stream.concat(MODULES.stream(), Stream.of(".", "interop-tests/concurrency", "interop-tests/dist",
                "interop-tests/fuzz", "interop-tests/machines")).map(module -> read(ROOT.resolve(module, "pom.xml")));
    }

    @ParameterizedTest
    @MethodSource("manuals")
    void a_folder_that_a_manual_names_is_there(Manual manual) {
        assertThat(Pattern.compile("`((?:imsg|imsg-netty|interop-tests|c-reference|benchmarks)/[a-z/.-]+)`")
                .matcher(manual.text()).results().map(MatchResult::group).map(name -> name.replace("`", ""))
                .filter(name -> !name.contains("target") && !name.contains("imsg-peer")))
                .allSatisfy(name -> assertThat(ROOT.resolve(name)).exists());
    }

    @Test
    void the_ten_lines_run_as_the_command_beside_them_says(@TempDir Path directory) throws Exception {
        Manual manual = new Manual("README.md");
        String program = manual.blocks("java").getFirst();
        assertThat(program).startsWith("import module org.imsg;");
        Files.writeString(directory.resolve("Pass.java"), program);
        String command = manual.blocks("").getFirst().lines().filter(line -> line.startsWith("$ java ")).findFirst()
                .orElseThrow().substring("$ java ".length());
        assertThat(java(directory, command.replace("imsg.jar", ClassPlaces.of(ImsgChannel.class).toString())))
                .contains("read by its descriptor");
    }

    @Test
    void the_flags_for_netty_are_all_that_the_module_path_needs(@TempDir Path directory) throws Exception {
        Files.writeString(directory.resolve("Loop.java"), """
                import io.netty.channel.epoll.*;
                import io.netty.channel.*;
                import org.imsg.netty.*;
                import org.imsg.unix.*;

                void main() throws Exception {
                    Epoll.ensureAvailability();
                    var loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
                    var pair = Fd.socketpair();
                    var channel = new ImsgSocketChannel(pair.first());
                    loops.register(channel).sync();
                    channel.close().sync();
                    pair.second().close();
                    loops.shutdownGracefully(0, 0, java.util.concurrent.TimeUnit.SECONDS).sync();
                    IO.println("a channel on epoll");
                }
                """);
        String flags = new Manual("imsg-netty/README.md").blocks("").stream()
                .filter(block -> block.startsWith("--add-modules")).findFirst().orElseThrow().replace('\n', ' ');
        String modules = Stream.of("jdk.module.path", "java.class.path").map(name -> System.getProperty(name, ""))
                .flatMap(path -> Arrays.stream(path.split(File.pathSeparator)))
                .filter(place -> place.contains("imsg") && !place.contains("testing") && !place.contains("test-classes")
                        || place.contains("netty-"))
                .collect(Collectors.joining(File.pathSeparator));
        // Named, since Netty warns on a machine that has no network card to take one from.
        String machine = " -Dio.netty.machineId=02:00:00:ff:fe:00:00:01";
        assertThat(
                java(directory, "--illegal-native-access=deny -p " + modules + " --add-modules org.imsg.netty " + flags
                        + machine + " Loop.java"))
                .isEqualTo("a channel on epoll\n");
    }

    /** The commands of the table of examples, without the alias before them. */
    static Stream<String> examples() {
        return Pattern.compile("`example (org\\.imsg\\.[^`]+)`").matcher(new Manual(EXAMPLES).text()).results()
                .map(command -> command.group(1));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void an_example_runs_as_its_row_says_or_says_what_it_takes(String command, @TempDir Path directory)
            throws Exception {
        boolean runs = command.equals(command.replaceAll(" \\p{Upper}+", ""));
        String flags = Pattern.compile("alias example='java (.*) -cp ").matcher(new Manual(EXAMPLES).text()).results()
                .map(found -> found.group(1)).findFirst().orElseThrow();
        String classPath = Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
                .collect(Collectors.joining(File.pathSeparator));
        Outcome outcome = start(directory, "--illegal-native-access=deny " + flags + " -cp " + classPath + " "
                + (runs ? command : command.replaceAll(" .*", "")));
        assertThat(outcome.status()).as(outcome.output()).isEqualTo(runs ? 0 : 2);
        if (!runs)
            assertThat(outcome.output()).isEqualTo("usage: example " + command + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"on the class path", "on the module path"})
    void the_one_flag_is_all_a_program_needs(String where, @TempDir Path directory) throws Exception {
        Files.writeString(directory.resolve("Pair.java"), """
                void main() throws Exception {
                    try (var pair = org.imsg.ImsgChannel.pair()) {
                        IO.println("a pair");
                    }
                }
                """);
        String flag = new Manual("README.md").blocks("").stream().flatMap(String::lines)
                .filter(line -> line.endsWith("# " + where)).findFirst().orElseThrow()
                .replaceAll("^java (\\S+) .*", "$1");
        String library = ClassPlaces.of(ImsgChannel.class).toString();
        assertThat(java(directory, "--illegal-native-access=deny " + flag + (where.contains("class")
                ? " -cp " + library
                : " -p " + library + " --add-modules org.imsg") + " Pair.java")).isEqualTo("a pair\n");
    }

    @Test
    void the_policy_of_the_manual_is_read(@TempDir Path directory) throws Exception {
        String policy = new Manual("imsg/privsep/README.md").blocks("").stream()
                .filter(block -> block.contains("builds.policy")).findFirst().orElseThrow();
        Path file = Files.writeString(directory.resolve("builds.policy"), policy);
        assertThatCode(() -> Policy.read(file)).doesNotThrowAnyException();
    }

    /** How a program ended, and what it printed, errors too. */
    private record Outcome(int status, String output) {}

    /** What a program printed, errors too, that ended with 0. */
    private static String java(Path directory, String arguments) throws IOException, InterruptedException {
        Outcome outcome = start(directory, arguments);
        assertThat(outcome.status()).as(outcome.output()).isZero();
        return outcome.output();
    }

    private static Outcome start(Path directory, String arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(arguments.strip().split(" +")));
        Process process = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
        process.getOutputStream().close();
        try (var output = process.getInputStream()) {
            String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
            return new Outcome(process.waitFor(), text);
        }
    }

    /** The anchors of a page's headings, as the usual sites make them. */
    private static List<String> anchors(String page) {
        return page.lines().filter(line -> line.startsWith("#"))
                .map(line -> "#" + line.replaceAll("^#+ ", "").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 _-]", "")
                        .replace(' ', '-'))
                .toList();
    }

    /** Not all of the tree: chroots stand in it while other tests run. */
    private static Stream<Path> sources() {
        return MODULES.stream().map(module -> ROOT.resolve(module).resolve("src")).filter(Files::isDirectory)
                .flatMap(ReadmeTest::walk).filter(file -> file.toString().endsWith(".java"));
    }

    private static Stream<Path> walk(Path directory) {
        try {
            return Files.walk(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String words(String text) {
        return SPACE.matcher(text).replaceAll(" ").strip();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
