package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeDrop;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {
    private static OpenFile open(String path, OpenFlag... flags) {
        Set<OpenFlag> set = EnumSet.noneOf(OpenFlag.class);
        set.addAll(List.of(flags));
        return new OpenFile(path, set, 0);
    }

    private static BindSocket bind(String address, int port) {
        return new BindSocket(SocketKind.TCP, address, port, false, 1, 0);
    }

    private static boolean allows(Policy policy, Operation.Request request) {
        try {
            policy.allowing(request);
            return true;
        } catch (RefusedException _) {
            return false;
        }
    }

    @Test
    void what_no_rule_names_is_refused() {
        Policy empty = Policy.of();
        for (Operation.Request request : List.of(open("/etc/hosts"), bind("127.0.0.1", 80), new RemoveTree("/x"),
                new ConnectSocket(SocketKind.UNIX, "/x", 0), new ChownTree("/x", 1, 1),
                new RunProgram("/bin/sh", List.of(), List.of(), "", List.of()),
                new LookUp(LookUp.Kind.USER, "root", ""),
                new SetClock(true, 0, 0)))
            assertThatExceptionOfType(RefusedException.class).as(request.toString())
                    .isThrownBy(() -> empty.allowing(request)).withMessageStartingWith("no rule allows to ")
                    .satisfies(e -> assertThat(e.rule()).isEmpty());
    }

    @Test
    void a_refusal_names_the_line_that_came_nearest_and_what_it_lacks() {
        Policy policy = Policy.of("# reading only", "open read /srv/ # all of it");
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> policy.allowing(open("/srv/x", OpenFlag.WRITE)))
                .withMessageContaining("does not allow to write").withMessageContaining("policy:2: open read /srv/")
                .satisfies(e -> assertThat(e.rule()).startsWith("policy:2: "));
    }

    @ParameterizedTest
    @CsvSource({"read, READ, true", "read, WRITE, false", "read, READ_WRITE, false", "write, READ, false",
            "'read,write', READ_WRITE, true", "write, READ_WRITE, false", "append, 'WRITE APPEND', true",
            "append, WRITE, false", "append, 'WRITE APPEND TRUNCATE', false", "write, 'WRITE APPEND', true",
            "read, 'READ TRUNCATE', false", "write, 'WRITE CREATE', false", "'write,create', 'WRITE CREATE_NEW', true",
            "'append,create', 'WRITE APPEND CREATE', true", "append, 'READ_WRITE APPEND', false"})
    void an_open_needs_every_access_it_makes_use_of(String access, String flags, boolean allowed) {
        OpenFlag[] asked = List.of(flags.split(" ")).stream().map(OpenFlag::valueOf).toArray(OpenFlag[]::new);
        assertThat(allows(Policy.of("open " + access + " /srv/x"), open("/srv/x", asked))).isEqualTo(allowed);
    }

    @ParameterizedTest
    @CsvSource({"/srv/, /srv/a/b, true", "/srv/, /srv, false", "/srv/, /srvx, false", "/srv/x, /srv/x, true",
            "/srv/x, /srv/x/y, false", "/, /etc/hosts, true"})
    void a_slash_at_the_end_means_what_is_beneath(String rule, String path, boolean covered) {
        assertThat(allows(Policy.of("open read " + rule), open(path))).isEqualTo(covered);
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1:80, 127.0.0.1, 80, true", "127.0.0.1:80, 127.0.0.1, 81, false",
            "127.0.0.1:80, 127.0.0.2, 80, false", "*:80-90, ::1, 85, true", "*:80-90, 10.0.0.1, 91, false",
            "10.0.0.0/9:*, 10.127.255.255, 1, true", "10.0.0.0/9:*, 10.128.0.0, 1, false",
            "[fe80::]/10:53, febf::1, 53, true", "[fe80::]/10:53, fec0::1, 53, false", "0.0.0.0/0:*, ::1, 1, false",
            "[fe80::1%1]:80, fe80::1%1, 80, true", "[fe80::1%1]:80, fe80::1%2, 80, false",
            "[fe80::1%1]:80, fe80::1, 80, false", "[fe80::1]:80, fe80::1%2, 80, true",
            "127.0.0.1:80, localhost, 80, false", "127.0.0.1:80, ::ffff:127.0.0.1, 80, true"})
    void addresses_and_ports_are_ranges_of_numbers_and_names_are_never_looked_up(String rule, String address, int port,
            boolean covered) {
        assertThat(allows(Policy.of("bind tcp " + rule), bind(address, port))).isEqualTo(covered);
    }

    @Test
    void a_bind_is_refused_a_longer_backlog_or_reuse_or_a_mode_the_rule_does_not_have() {
        Policy policy = Policy.of("bind tcp backlog=5 *:80", "bind unix mode=0600 /run/x");
        assertThat(allows(policy, new BindSocket(SocketKind.TCP, "::", 80, false, 5, 0))).isTrue();
        assertThat(allows(policy, new BindSocket(SocketKind.TCP, "::", 80, false, 6, 0))).isFalse();
        assertThat(allows(policy, new BindSocket(SocketKind.TCP, "::", 80, false, -1, 0))).isFalse();
        assertThat(allows(policy, new BindSocket(SocketKind.TCP, "::", 80, true, 5, 0))).isFalse();
        assertThat(allows(policy, new BindSocket(SocketKind.UDP, "::", 80, false, 5, 0))).isFalse();
        assertThat(allows(policy, new BindSocket(SocketKind.UNIX, "/run/x", 0, false, 5, 0600))).isTrue();
        assertThat(allows(policy, new BindSocket(SocketKind.UNIX, "/run/x", 0, false, 5, 0660))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"/bin/sh -c x, '-c,x', true", "/bin/sh -c x, '-c,y', false", "/bin/sh -c x, '-c', false",
            "/bin/sh -c *, '-c,y', true", "/bin/sh -c *, '-c,y,z', false", "/bin/sh -c ..., '-c', true",
            "/bin/sh -c ..., '-c,y,z', true", "/bin/sh -c ..., '-x,y', false",
            "/bin/sh -c \"*\", '-c,y', false", "/bin/sh -c \"*\", '-c,*', true", "/bin/sh -c \"\\*\", '-c,y', false",
            "/bin/sh -c \"...\", '-c,y,z', false", "/bin/sh -c \"...\", '-c,...', true",
            "/bin/sh -c \"x\" *, '-c,x,y', true"})
    void the_arguments_of_a_run_match_word_for_word(String rule, String arguments, boolean allowed) {
        Operation.Request run = new RunProgram("/bin/sh", List.of(arguments.split(",")), List.of(), "", List.of());
        assertThat(allows(Policy.of("run users=64000-64009 " + rule), run)).isEqualTo(allowed);
    }

    @Test
    void a_file_is_made_with_no_bit_of_its_mode_that_the_rule_does_not_have() {
        Policy policy = Policy.of("open write,create /log/", "open write,create mode=0640 /private/");
        assertThat(allows(policy, made("/log/a", 0666))).isTrue();
        assertRefused(policy, made("/log/a", 0777), "policy:1", "allows a mode of 0666, not of 0777");
        assertRefused(policy, made("/log/a", 04644), "policy:1", "not of 04644");
        assertThat(allows(policy, made("/private/a", 0600))).isTrue();
        assertRefused(policy, made("/private/a", 0666), "policy:2", "allows a mode of 0640, not of 0666");
        assertThat(allows(policy, new OpenFile("/private/a", Set.of(OpenFlag.WRITE), 0666))).isTrue();
    }

    private static void assertRefused(Policy policy, Operation.Request request, String rule, String why) {
        assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> policy.allowing(request))
                .withMessageContaining(why).matches(e -> e.rule().startsWith(rule));
    }

    private static Operation.Request made(String path, int mode) {
        return new OpenFile(path, Set.of(OpenFlag.WRITE, OpenFlag.CREATE), mode);
    }

    @Test
    void a_run_has_the_variables_and_directories_its_rule_names_and_no_others() {
        Policy policy = Policy.of("run user=64000 under=/srv/ environment=PATH=/bin,HOME /bin/make");
        assertThat(allows(policy, run("/srv/a", "HOME=/x"))).isTrue();
        assertThat(allows(policy, run("/etc", "HOME=/x"))).isFalse();
        assertThat(allows(policy, run("", "PATH=/x"))).isFalse();
        assertThat(allows(policy, run("", "LD_PRELOAD=/x"))).isFalse();
    }

    private static Operation.Request run(String directory, String variable) {
        return new RunProgram("/bin/make", List.of(), List.of(variable), directory, List.of());
    }

    @Test
    void every_fault_of_a_file_is_told_with_its_line_and_what_was_expected(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("faulty"), List.of("open raed /x", "", "opn read /x", "open read x",
                "bind tcp 80", "bind tcp 1.2.3:80x", "bind unix mode=9 /x", "run /bin/sh", "run users=5-1 /bin/sh",
                "run user=0 /bin/sh", "chown /x", "lookup", "clock within=soon", "open read \"/x", "open read /x y",
                "open read /a/../b", "bind tcp *:99999", "user nobody-knows-him", "open read owner=a-b /x",
                "connect smtp *:25", "bind tcp backlog=1 backlog=2 *:1", "chroot relative", "remove", "user 5-6",
                "chroot /a",
                "chroot /b"));
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.read(file)).satisfies(e -> {
            List<String> faults = e.faults();
            assertThat(faults).hasSize(24).allSatisfy(fault -> assertThat(fault).startsWith(file + ":"));
            assertThat(faults.get(0)).isEqualTo(file + ":1: expected read, write, append or create, not raed");
            assertThat(faults.get(1)).startsWith(file + ":3: expected user, chroot, open, bind, connect, run")
                    .endsWith("not opn");
            assertThat(faults.get(2)).endsWith(":4: a path begins with /, not x");
            assertThat(faults.get(3)).endsWith(":5: expected ADDRESS:PORT, not 80");
            assertThat(faults.get(6)).endsWith(":8: expected one of user=, users= and as=");
            assertThat(faults.getLast()).endsWith(":26: expected one line that says chroot");
            assertThat(faults.get(16)).endsWith(":18: expected a user, and there is no nobody-knows-him");
            assertThat(e.getMessage()).isEqualTo(String.join("\n", faults));
        });
    }

    @Test
    void a_file_that_is_not_UTF_8_is_told_with_the_line(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("latin"), List.of("open read /srv/x", "# Gr\u00FC\u00DFe"),
                StandardCharsets.ISO_8859_1);
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.read(file))
                .withMessage(file + ":2: expected UTF-8");
        assertThat(allows(Policy.read(Files.write(file, List.of("open read /srv/\u00FC"))), open("/srv/\u00FC")))
                .isTrue();
    }

    @Test
    void user_and_chroot_stand_in_the_policy_by_number_or_name() {
        Policy numbers = Policy.of("user 64000:64001", "chroot /var/empty");
        assertThat(numbers.ids()).contains(Ids.of(64000, 64001));
        assertThat(numbers.drop()).hasToString(PrivilegeDrop.to(Ids.of(64000, 64001)).chroot(Path.of("/var/empty"))
                .toString());
        assertThat(numbers.chroot()).contains(Path.of("/var/empty"));
        assertThat(Policy.of("user root").ids()).contains(Ids.of(0, 0));
        assertThat(Policy.of().ids()).isEmpty();
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> Policy.of().drop())
                .withMessageContaining("user");
    }

    @Test
    void a_name_in_a_line_is_the_user_or_group_that_the_system_knows_by_it() {
        PolicyLine line = PolicyLine.of("users=daemon group=daemon /bin/true");
        line.options("users=", "group=");
        assertThat(line.users("users=")).hasValue(IdRange.of(1));
        assertThat(line.groups("group=")).hasValue(IdRange.of(1));
        for (String option : new String[]{"users=no-such-one", "group=no-such-one"}) {
            PolicyLine unknown = PolicyLine.of(option);
            unknown.options("users=", "group=");
            assertThatIllegalArgumentException().isThrownBy(() -> {
                unknown.users("users=");
                unknown.groups("group=");
            }).withMessageContaining("and there is no no-such-one");
        }
    }

    @Test
    void a_backslash_at_the_end_of_a_line_escapes_nothing_and_its_quote_is_open() {
        assertThatIllegalArgumentException().isThrownBy(() -> PolicyLine.of("open read \"/etc/a\\"))
                .withMessageContaining("at the end of a word");
    }

    @Test
    void a_word_in_quotes_may_have_blanks_quotes_and_a_comment_sign_in_it() {
        Policy policy = Policy.of("open read \"/srv/a \\\"b\\\" #c\"");
        assertThat(allows(policy, open("/srv/a \"b\" #c"))).isTrue();
    }

    /** A word that comes from elsewhere must not bring a line of its own along. */
    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\r\n", "\"\n", "\\\n", "\\\"\n"})
    void a_quoted_word_begins_no_line(String between) {
        String word = "/srv" + between + "run user=1 /bin/sh #";
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("open read " + Policy.quoted(word)));
    }

    /** A number that is cut to 32 bits could be root's, or "leave it as it is". */
    @ParameterizedTest
    @ValueSource(strings = {"4294967296", "4294967295", "-1", "+0", "0", "00", "0-5", "4294967290-4294967296", "5-3",
            "1-",
            "-", "0x10", "1000 ", "\uFF10", "root", ""})
    void a_program_is_run_as_no_user_that_is_root_or_none(String user) {
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run " + Policy.quoted("users=" + user) + " /bin/true"));
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run " + Policy.quoted("user=" + user) + " /bin/true"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "//srv/x", "/srv//x", "/srv/", "/srv/x/", "/srv/./x", "/srv/../etc/passwd",
            "/srv/..", "srv/x",
            "/SRV/x", "/srv\uFF0Fx", "/srv\u2215x", "/srv\nx", "/srv \uFEFF/x", "/srvx", "\u00A0/srv/x"})
    void a_path_is_covered_in_no_other_spelling(String path) {
        assertThat(allows(Policy.of("open read /srv/"), open(path))).isFalse();
    }

    /** Each line stands for itself: no two of them together allow what neither does. */
    @Test
    void lines_that_overlap_are_not_added_up() {
        Policy policy = Policy.of("open read /srv/", "open write /srv/log", "run user=1 /bin/a x",
                "run user=2 /bin/a y");
        assertThat(allows(policy, open("/srv/log", OpenFlag.READ))).isTrue();
        assertThat(allows(policy, open("/srv/log", OpenFlag.WRITE))).isTrue();
        assertThat(allows(policy, open("/srv/log", OpenFlag.READ_WRITE))).isFalse();
        assertThat(allows(policy, open("/srv/log2", OpenFlag.WRITE))).isFalse();
        assertThat(allows(policy, new RunProgram("/bin/a", List.of("x", "y"), List.of(), "", List.of()))).isFalse();
    }

    /** An argument that comes from elsewhere must not stand for others. */
    @ParameterizedTest
    @ValueSource(strings = {"*", "...", "", "x"})
    void a_quoted_argument_is_itself_and_no_other(String argument) {
        Policy policy = Policy.of("run user=1 /bin/a " + Policy.quoted(argument));
        assertThat(allows(policy, new RunProgram("/bin/a", List.of(argument), List.of(), "", List.of()))).isTrue();
        assertThat(allows(policy, new RunProgram("/bin/a", List.of("y"), List.of(), "", List.of()))).isFalse();
        assertThat(allows(policy, new RunProgram("/bin/a", List.of("y", "z"), List.of(), "", List.of()))).isFalse();
    }

    @Test
    void a_path_is_quoted_where_a_line_needs_it() {
        assertThat(Policy.quoted("/srv/")).isEqualTo("/srv/");
        Policy policy = Policy.of("open read " + Policy.quoted("/srv/a \"b\" \\ #c"));
        assertThat(allows(policy, open("/srv/a \"b\" \\ #c"))).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"host, www.example.org, true", "host=www.example.org, WWW.example.org., true",
            "host=www.example.org, example.org, false", "'host=*.example.org,localhost', a.b.example.org, true",
            "'host=*.example.org,localhost', example.org, false", "'host=*.example.org,localhost', localhost, true",
            "'host=*.example.org,localhost', evil-example.org, false"})
    void a_rule_may_name_the_hosts_that_are_looked_up(String word, String host, boolean allowed) {
        assertThat(allows(Policy.of("lookup user " + word), new LookUp(LookUp.Kind.HOST, host, "")))
                .isEqualTo(allowed);
    }

    @Test
    void a_host_name_where_an_address_belongs_is_a_fault_that_says_why() {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of("bind tcp localhost:80"))
                .withMessage("policy:1: expected * or an IPv4 or [IPv6] address, with /BITS if it is a network, not"
                        + " localhost: a policy looks up no host name");
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of("lookup host=a*b"))
                .withMessageContaining("expected a name such as www.example.org or *.example.org for host, not a*b");
    }
}
