package org.imsg.sys;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Our tables against what C compilers say. Facts are keyed by where they come from: {@code sizeof struct stat},
 * {@code offsetof struct stat.st_ino}, {@code width struct stat.st_ino}, {@code constant EPERM}.
 */
class AbiTest {
    private static final Pattern PROBED_SECTION = Pattern.compile("\"(sizeof|offsetof|width|constant)\": \\{([^}]*)}");
    private static final Pattern PROBED_ENTRY = Pattern.compile("\"([^\"]+)\": (-?\\d+)");
    private static final Path MAIN_SOURCES = Path.of("src", "main", "java", "org", "imsg");

    @Test
    void every_entry_of_the_running_system_is_what_its_c_compiler_says() throws Exception {
        assertThat(differences(Abi.host(), probed(runProbe()))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"linux-x86_64, LINUX, amd64", "linux-x86_64, LINUX, x86_64", "linux-aarch64, LINUX, aarch64",
            "linux-s390x, LINUX, s390x", "linux-riscv64, LINUX, riscv64", "openbsd, OPENBSD, amd64",
            "freebsd, FREEBSD, amd64", "macos, MACOS, aarch64"})
    void every_entry_is_what_was_recorded_of_the_system(String record, Os os, String arch) throws IOException {
        assertThat(differences(Abi.of(os, arch), recorded(record))).isEmpty();
    }

    /** musl cuts the kernel's lengths in halves and clears the upper ones; it counts O_PATH as a way to open a file. */
    @Test
    void under_musl_the_lengths_of_a_message_are_the_kernels_and_all_else_is_what_was_recorded() throws IOException {
        assertThat(differences(Abi.of(Os.LINUX, "amd64"), recorded("linux-musl-x86_64"))).containsExactly(
                "O_ACCMODE is 2097155, not 3", "cmsghdr.cmsg_len:width is 4, not 8",
                "msghdr.msg_controllen:width is 4, not 8", "msghdr.msg_iovlen:width is 4, not 8");
    }

    @ParameterizedTest
    @CsvSource({"linux-x86_64, LINUX, amd64", "linux-aarch64, LINUX, aarch64", "linux-s390x, LINUX, s390x",
            "linux-riscv64, LINUX, riscv64", "linux-musl-x86_64, LINUX, amd64", "openbsd, OPENBSD, amd64",
            "freebsd, FREEBSD, amd64", "macos, MACOS, aarch64"})
    void control_data_begins_where_c_puts_it(String record, Os os, String arch) throws IOException {
        Abi abi = Abi.of(os, arch);
        int align = abi.value("cmsg:align");
        int data = (abi.value("cmsghdr:size") + align - 1) / align * align;
        assertThat(data).isEqualTo(recorded(record).get("constant CMSG_LEN(0)").intValue());
    }

    @Test
    void the_record_of_the_running_system_is_what_its_c_compiler_says() throws Exception {
        String json = runProbe();
        String os = field(json, "os");
        Map<String, Long> facts = probed(json);
        Map<String, Long> record = recorded(os.startsWith("linux") ? os + "-" + field(json, "arch") : os);
        assertThat(record).hasSizeGreaterThan(150);
        List<String> differences = new ArrayList<>();
        record.forEach((name, value) -> {
            if (!value.equals(facts.get(name)))
                differences.add(name + " is " + facts.get(name) + ", not " + value);
        });
        assertThat(differences).isEmpty();
    }

    /** Systems that nobody here can run would otherwise fail at their first call. */
    @Test
    void every_entry_that_the_code_cannot_do_without_exists_on_every_system_the_code_runs_on() throws IOException {
        Map<Os, TreeSet<String>> missing = new EnumMap<>(Os.class);
        for (Map.Entry<String, List<String>> use : entriesAskedFor().entrySet()) {
            for (Os os : Os.values()) {
                for (String file : use.getValue()) {
                    if (runsOn(os, file, use.getKey()) && !Abi.of(os, "aarch64").values().containsKey(use.getKey()))
                        missing.computeIfAbsent(os, any -> new TreeSet<>()).add(use.getKey() + " of " + file);
                }
            }
        }
        assertThat(missing).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"riscv64", "s390x", "ppc64le", "loongarch64"})
    void a_linux_machine_without_a_table_has_all_but_struct_stat(String machine) {
        Abi abi = Abi.of(Os.LINUX, machine);
        TreeSet<String> missing = new TreeSet<>(Abi.of(Os.LINUX, "amd64").values().keySet());
        missing.removeAll(abi.values().keySet());
        assertThat(missing).isNotEmpty().allMatch(name -> name.startsWith("stat"));
        assertThat(abi.value("epoll_event:size")).as("packed on x86_64 only").isEqualTo(16);
        assertThat(abi.value("epoll_event.data:offset")).isEqualTo(8);
    }

    @Test
    void a_linux_machine_whose_constants_are_others_is_refused_by_name() {
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> Abi.of(Os.LINUX, "mips64el"))
                .withMessageContaining("Linux on mips64el");
    }

    @ParameterizedTest
    @ValueSource(strings = {"arm", "i386", "x86", "ppc", "s390", "riscv32"})
    void a_linux_machine_of_32_bits_is_refused_by_name(String machine) {
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> Abi.of(Os.LINUX, machine))
                .withMessageEndingWith(machine + " has 32 bits");
    }

    @ParameterizedTest
    @CsvSource({"LINUX, amd64, EPOLL, EPOLL", "LINUX, s390x, EPOLL, EPOLL", "LINUX, riscv64, EPOLL, EPOLL",
            "OPENBSD, amd64, KQUEUE, POLL", "FREEBSD, amd64, KQUEUE, POLL", "MACOS, aarch64, KQUEUE, POLL"})
    void virtual_threads_wait_by_what_the_table_of_the_machine_has(Os os, String machine, Poller.Kind reading,
            Poller.Kind hangingUp) {
        assertThat(Poller.kind(Abi.of(os, machine), Readiness.READABLE)).isEqualTo(reading);
        assertThat(Poller.kind(Abi.of(os, machine), Readiness.HUNG_UP)).isEqualTo(hangingUp);
    }

    @Test
    void what_a_system_does_not_have_is_refused_by_name_or_replaced() {
        Abi macos = Abi.of(Os.MACOS, "aarch64");
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> macos.value("SOCK_CLOEXEC"))
                .withMessage("this system has no SOCK_CLOEXEC");
        assertThat(macos.value("SOCK_CLOEXEC", 0)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"Linux, LINUX", "OpenBSD, OPENBSD", "FreeBSD, FREEBSD", "Mac OS X, MACOS"})
    void systems_are_known_by_the_name_java_gives_them(String name, Os os) {
        assertThat(Os.of(name)).isEqualTo(os);
    }

    @Test
    void an_unknown_system_is_refused_by_name() {
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> Os.of("Windows 11"))
                .withMessageContaining("Windows 11");
    }

    /** Every entry that differs from the fact of its name, or for which there is no fact. */
    private static List<String> differences(Abi abi, Map<String, Long> facts) {
        List<String> differences = new ArrayList<>();
        new TreeMap<>(abi.values()).forEach((name, value) -> {
            Long fact = fact(name, facts);
            if (fact == null)
                differences.add(name + " is not checked by anything");
            else if (fact.longValue() != value)
                differences.add(name + " is " + fact + ", not " + value);
        });
        return differences;
    }

    private static Long fact(String name, Map<String, Long> facts) {
        // CMSG_SPACE rounds header and data up one by one: what 4 bytes take more than none is the alignment, if that is 4 or more.
        if (name.equals("cmsg:align"))
            return facts.get("constant CMSG_SPACE(4)") - facts.get("constant CMSG_SPACE(0)");
        int colon = name.indexOf(':');
        if (colon < 0)
            return facts.get("constant " + name);
        String kind = name.substring(colon + 1).equals("size") ? "sizeof" : name.substring(colon + 1);
        return facts.get(kind.replaceFirst("^offset$", "offsetof") + " struct " + name.substring(0, colon));
    }

    private static String runProbe() throws IOException, InterruptedException {
        String built = System.getProperty("imsg.c-reference");
        assumeThat(built).as("where c-reference was built: a property the build sets").isNotNull();
        Process process = new ProcessBuilder(Path.of(built, "layout-probe").toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        process.getOutputStream().close();
        try (InputStream output = process.getInputStream()) {
            String json = new String(output.readAllBytes(), UTF_8);
            assertThat(process.waitFor()).isZero();
            return json;
        }
    }

    private static Map<String, Long> probed(String json) {
        Map<String, Long> facts = new HashMap<>();
        Matcher section = PROBED_SECTION.matcher(json);
        while (section.find()) {
            Matcher entry = PROBED_ENTRY.matcher(section.group(2));
            while (entry.find())
                facts.put(section.group(1) + " " + entry.group(1), Long.valueOf(entry.group(2)));
        }
        return facts;
    }

    private static String field(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": \"([^\"]+)\"").matcher(json);
        assertThat(matcher.find()).isTrue();
        return matcher.group(1);
    }

    /** Lines of a fact's key, a space and its value; those that begin with # say where the facts are from. */
    private static Map<String, Long> recorded(String record) throws IOException {
        Map<String, Long> facts = new HashMap<>();
        try (InputStream resource = AbiTest.class.getResourceAsStream(record + ".abi")) {
            assertThat(resource).as(record + ".abi").isNotNull();
            for (String line : new String(resource.readAllBytes(), UTF_8).split("\n")) {
                if (!line.startsWith("#")) {
                    int space = line.lastIndexOf(' ');
                    facts.put(line.substring(0, space), Long.valueOf(line.substring(space + 1)));
                }
            }
        }
        return facts;
    }

    /** The names in calls of value(...) without a default, each with the files that have them. */
    private static Map<String, List<String>> entriesAskedFor() throws IOException {
        Map<String, List<String>> asked = new TreeMap<>();
        Pattern call = Pattern.compile("\\bvalue\\(([^()]*)\\)");
        Pattern literal = Pattern.compile("\"([^\"]+)\"");
        try (Stream<Path> files = Files.walk(MAIN_SOURCES)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Matcher calls = call.matcher(Files.readString(file));
                while (calls.find()) {
                    if (calls.group(1).contains("\", 0"))
                        continue;
                    Matcher literals = literal.matcher(calls.group(1));
                    while (literals.find())
                        asked.computeIfAbsent(literals.group(1), any -> new ArrayList<>())
                                .add(file.getFileName().toString());
                }
            }
        }
        assertThat(asked).hasSizeGreaterThan(50);
        return asked;
    }

    private static boolean runsOn(Os os, String file, String entry) {
        boolean linuxOnly = file.equals("EpollPoller.java") || file.equals("Openat2.java")
                || file.equals("Timex.java")
                || entry.equals("SO_PEERCRED");
        return linuxOnly ? os == Os.LINUX : os != Os.LINUX || !file.equals("KqueuePoller.java");
    }
}
