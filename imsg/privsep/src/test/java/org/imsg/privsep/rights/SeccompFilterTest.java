package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.imsg.privsep.rights.Promise.CPATH;
import static org.imsg.privsep.rights.Promise.DNS;
import static org.imsg.privsep.rights.Promise.EXEC;
import static org.imsg.privsep.rights.Promise.FLOCK;
import static org.imsg.privsep.rights.Promise.ID;
import static org.imsg.privsep.rights.Promise.INET;
import static org.imsg.privsep.rights.Promise.PROC;
import static org.imsg.privsep.rights.Promise.RPATH;
import static org.imsg.privsep.rights.Promise.SETTIME;
import static org.imsg.privsep.rights.Promise.STDIO;
import static org.imsg.privsep.rights.Promise.UNIX;
import static org.imsg.privsep.rights.Promise.WPATH;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.imsg.privsep.rights.SeccompFilter.Instruction;
import org.imsg.sys.LinuxSyscalls;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The filter as data, for machines that are here and for those that are not. */
class SeccompFilterTest {
    private static final int EPERM = 0x50001;
    private static final int EACCES = 0x5000D;
    private static final int ENOSYS = 0x50026;
    private static final int ALLOW = 0x7FFF0000;
    private static final int SELF = 4711;
    private static final int AUDIT_ARCH_I386 = 0x40000003;
    private static final int AUDIT_ARCH_X86_64 = 0xC000003E;
    private static final int AUDIT_ARCH_AARCH64 = 0xC00000B7;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final long THREAD = 0x3D0F00;
    private static final long FORK = 17;

    /** The answer of a filter for these promises. */
    private static int asked(String machine, Set<Promise> promises, String call, long... arguments) {
        return asked(machine, promises, false, call, arguments);
    }

    private static int asked(String machine, Set<Promise> promises, boolean start, String call, long... arguments) {
        LinuxSyscalls table = LinuxSyscalls.of(machine);
        return new Cbpf(SeccompFilter.of(table, promises, start, start ? 0 : SELF)).run(table.auditArch(),
                table.number(call), arguments);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void what_a_jvm_needs_at_all_times_is_allowed(String machine) {
        for (String call : List.of("read", "write", "mmap", "mprotect", "munmap", "madvise", "futex", "ppoll",
                "epoll_pwait",
                "rt_sigprocmask", "sched_yield", "clock_gettime", "exit_group", "getpid", "sendmsg", "recvmsg"))
            assertThat(asked(machine, EnumSet.of(STDIO), call)).as(call).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "clone", THREAD)).isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void what_no_promise_names_is_refused_whatever_is_promised(String machine) {
        for (String call : List.of("ptrace", "process_vm_readv", "bpf", "io_uring_setup", "perf_event_open", "mount",
                "umount2",
                "pivot_root", "chroot", "unshare", "mknodat"))
            assertThat(asked(machine, EnumSet.allOf(Promise.class), call)).as(call)
                    .isEqualTo(call.equals("mknodat") ? EACCES : EPERM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void a_call_made_for_another_machine_is_refused_whatever_its_number(String machine) {
        LinuxSyscalls table = LinuxSyscalls.of(machine);
        Cbpf filter = new Cbpf(SeccompFilter.of(table, EnumSet.allOf(Promise.class), false, SELF));
        int other = table.auditArch() == AUDIT_ARCH_X86_64 ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64;
        for (int arch : new int[]{other, AUDIT_ARCH_I386, 0, -1})
            for (int number : new int[]{0, 1, 3, 59, 63, 64, 221, table.number("read"), table.number("exit_group")})
                assertThat(filter.run(arch, number)).isEqualTo(EPERM);
    }

    @Test
    void the_x32_numbers_of_x86_64_are_refused() {
        LinuxSyscalls table = LinuxSyscalls.of("x86_64");
        Cbpf filter = new Cbpf(SeccompFilter.of(table, EnumSet.allOf(Promise.class), false, SELF));
        for (int number : table.numbers().values())
            assertThat(filter.run(table.auditArch(), number | 0x40000000)).isEqualTo(EPERM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void newer_calls_and_those_that_hide_their_arguments_do_not_exist(String machine) {
        LinuxSyscalls table = LinuxSyscalls.of(machine);
        Cbpf filter = new Cbpf(SeccompFilter.of(table, EnumSet.allOf(Promise.class), false, SELF));
        assertThat(filter.run(table.auditArch(), LinuxSyscalls.LAST_KNOWN + 1)).isEqualTo(ENOSYS);
        assertThat(filter.run(table.auditArch(), table.number("clone3"))).isEqualTo(ENOSYS);
        assertThat(filter.run(table.auditArch(), table.number("openat2"))).isEqualTo(ENOSYS);
        // One that exists but that we have no name for: kexec_load.
        assertThat(filter.run(table.auditArch(), machine.equals("x86_64") ? 246 : 104)).isEqualTo(EPERM);
    }

    @Test
    void another_machine_is_refused_instead_of_filtered_by_wrong_numbers() {
        for (String machine : List.of("riscv64", "ppc64le", "s390x", "i386", "arm", "loongarch64"))
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> LinuxSyscalls.of(machine))
                    .withMessageContaining(machine);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void files_are_opened_only_as_promised(String machine) {
        int read = 0;
        int write = 1;
        int both = 2;
        int create = 0x40;
        int truncate = 0x200;
        int temporary = 0x400000;
        Object[][] expected = {
                {EnumSet.of(STDIO), new int[]{}},
                {EnumSet.of(STDIO, RPATH), new int[]{read}},
                {EnumSet.of(STDIO, WPATH), new int[]{write, write | truncate}},
                {EnumSet.of(STDIO, RPATH, WPATH), new int[]{read, write, both, write | truncate, both | truncate}},
                {EnumSet.of(STDIO, RPATH, CPATH), new int[]{read, read | create}},
                {EnumSet.of(STDIO, RPATH, WPATH, CPATH), new int[]{read, write, both, write | truncate, both | truncate,
                        read | create, write | create, both | create, both | create | truncate, write | temporary}}};
        int[] all = {read, write, both, read | create, write | create, both | create, read | truncate, write | truncate,
                both | truncate, both | create | truncate, write | temporary, read | temporary, 3};
        for (Object[] row : expected) {
            @SuppressWarnings("unchecked")
            EnumSet<Promise> promises = (EnumSet<Promise>) row[0];
            for (int flags : all) {
                boolean allowed = Arrays.stream((int[]) row[1]).anyMatch(one -> one == flags);
                assertThat(asked(machine, promises, "openat", -100, 0x1000, flags | 0x80000))
                        .as("openat with flags %x under %s", flags, promises).isEqualTo(allowed ? ALLOW : EACCES);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void sockets_are_of_the_promised_families_only(String machine) {
        int stream = 1 | 0x80000;
        int datagram = 2 | 0x800;
        int raw = 3;
        assertThat(asked(machine, EnumSet.of(STDIO), "socket", 2, stream, 0)).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO, UNIX), "socket", 2, stream, 0)).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO, UNIX), "socket", 1, stream, 0)).isEqualTo(ALLOW);
        for (Promise internet : List.of(INET, DNS)) {
            EnumSet<Promise> promises = EnumSet.of(STDIO, internet);
            assertThat(asked(machine, promises, "socket", 2, stream, 0)).isEqualTo(ALLOW);
            assertThat(asked(machine, promises, "socket", 10, datagram, 17)).isEqualTo(ALLOW);
            assertThat(asked(machine, promises, "socket", 2, raw, 1)).isEqualTo(EACCES);
            assertThat(asked(machine, promises, "socket", 17, raw, 0)).as("packet").isEqualTo(EACCES);
            assertThat(asked(machine, promises, "socket", 1, stream, 0)).isEqualTo(EACCES);
            assertThat(asked(machine, promises, "socket", 16, raw, 0)).as("route").isEqualTo(ALLOW);
            assertThat(asked(machine, promises, "socket", 16, raw, 12)).as("netfilter").isEqualTo(EACCES);
        }
        assertThat(asked(machine, EnumSet.of(STDIO, DNS), "listen")).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO, INET), "listen")).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "socketpair", 1, stream, 0)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "socketpair", 2, stream, 0)).isEqualTo(EPERM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void sending_to_an_address_is_refused_even_where_its_low_half_is_zero(String machine) {
        assertThat(asked(machine, EnumSet.of(STDIO), "sendto", 3, 0x1000, 5, 0, 0, 0)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "sendto", 3, 0x1000, 5, 0, 0x7F00, 16)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO), "sendto", 3, 0x1000, 5, 0, 0x7F00_0000_0000L, 16))
                .isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO, INET), "sendto", 3, 0x1000, 5, 0, 0x7F00, 16)).isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void threads_are_made_always_processes_if_promised_namespaces_never(String machine) {
        EnumSet<Promise> proc = EnumSet.of(STDIO, PROC);
        assertThat(asked(machine, EnumSet.of(STDIO), "clone", FORK)).isEqualTo(EPERM);
        assertThat(asked(machine, proc, "clone", FORK)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "execve")).isEqualTo(EACCES);
        assertThat(asked(machine, proc, "execve")).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO, EXEC), "execve")).isEqualTo(ALLOW);
        for (long namespace : new long[]{0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
                0x40000000}) {
            assertThat(asked(machine, EnumSet.of(STDIO), "clone", THREAD | namespace)).isEqualTo(EPERM);
            assertThat(asked(machine, proc, "clone", FORK | namespace)).as("%x", namespace).isEqualTo(EPERM);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void a_process_signals_its_own_threads_and_others_only_if_promised(String machine) {
        assertThat(asked(machine, EnumSet.of(STDIO), "tgkill", SELF, SELF + 1, 12)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "tgkill", SELF + 1, SELF + 1, 12)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO), "kill", SELF, 9)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO, PROC), "kill", 1, 9)).isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void ids_limits_and_the_clock_change_only_if_promised(String machine) {
        for (String call : List.of("setresuid", "setgroups", "capset", "setrlimit"))
            assertThat(List.of(asked(machine, EnumSet.of(STDIO), call), asked(machine, EnumSet.of(STDIO, ID), call)))
                    .as(call).containsExactly(EPERM, ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "prlimit64", 0, 7, 0, 0x1000)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "prlimit64", SELF, 7, 0, 0x1000)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "prlimit64", SELF + 1, 7, 0, 0x1000)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO), "prlimit64", 0, 7, 0x1000, 0)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO), "clock_settime")).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO, SETTIME), "clock_settime")).isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void an_open_descriptor_may_be_looked_at_a_path_only_if_promised(String machine) {
        assertThat(asked(machine, EnumSet.of(STDIO), "newfstatat", 3, 0x1000, 0x2000, AT_EMPTY_PATH)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "newfstatat", -100, 0x1000, 0x2000, 0)).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO, RPATH), "newfstatat", -100, 0x1000, 0x2000, 0)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "fcntl", 3, 6)).as("lock").isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.of(STDIO, FLOCK), "fcntl", 3, 6)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "ioctl", 3, 0x5412)).as("typing for the user").isEqualTo(EPERM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void a_process_may_not_make_itself_dumpable_again(String machine) {
        assertThat(asked(machine, EnumSet.of(STDIO), "prctl", 4, 0)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), "prctl", 4, 1)).isEqualTo(EPERM);
        assertThat(asked(machine, EnumSet.allOf(Promise.class), "prctl", 4, 1)).isEqualTo(EPERM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void a_filter_that_is_there_before_its_program_lets_it_start(String machine) {
        for (String call : List.of("execve", "newfstatat", "wait4", "tgkill"))
            assertThat(asked(machine, EnumSet.of(STDIO), true, call)).as(call).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), true, "clone", 0x4111)).as("vfork").isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), true, "openat", -100, 0x1000, 0)).isEqualTo(ALLOW);
        assertThat(asked(machine, EnumSet.of(STDIO), true, "openat", -100, 0x1000, 1)).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO), true, "socket", 2, 1, 0)).isEqualTo(EACCES);
        assertThat(asked(machine, EnumSet.of(STDIO), true, "kill", 1, 9)).isEqualTo(EPERM);
    }

    /** What the kernel checks before it takes a filter. */
    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void every_filter_is_one_the_kernel_would_take(String machine) {
        for (boolean start : new boolean[]{false, true}) {
            List<Instruction> program = SeccompFilter.of(LinuxSyscalls.of(machine), EnumSet.allOf(Promise.class), start,
                    SELF);
            assertThat(program).hasSizeLessThanOrEqualTo(4096);
            assertThat(program.getLast().code()).isEqualTo(0x06);
            for (int i = 0; i < program.size(); i++) {
                Instruction instruction = program.get(i);
                int farthest = i + Math.max(instruction.whenTrue(), instruction.whenFalse());
                assertThat(farthest + (instruction.code() == 0x06 ? 0 : 1)).isLessThan(program.size());
                assertThat(instruction.whenTrue()).isBetween(0, 255);
                assertThat(instruction.whenFalse()).isBetween(0, 255);
            }
        }
    }

    /** A rule for a call that is misspelt, or on neither machine, would be no rule at all. */
    @Test
    void every_call_that_a_rule_names_exists_on_a_machine() {
        LinuxSyscalls x86 = LinuxSyscalls.of("x86_64");
        LinuxSyscalls arm = LinuxSyscalls.of("aarch64");
        assertThat(SystemCallRules.of(EnumSet.allOf(Promise.class), true, SELF).keySet()).allMatch(call -> {
            OptionalInt number = x86.find(call);
            return number.isPresent() || arm.find(call).isPresent();
        });
    }
}
