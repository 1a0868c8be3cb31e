package org.imsg.privsep.rights;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.imsg.privsep.rights.SystemCallRules.Rule;
import org.imsg.privsep.rights.SystemCallRules.Test;
import org.imsg.sys.LinuxSyscalls;

/**
 * The promises as a program for seccomp(2), in classic BPF: data, which a test runs without a kernel. A call that is not promised fails
 * with an errno; nothing kills the process. Calls newer than our table, and those whose arguments lie in memory (clone3, openat2),
 * do not exist (ENOSYS), so that the C library goes back to the older ones.
 */
final class SeccompFilter {
    static final int ALLOW = 0x7FFF0000;
    private static final int ERRNO = 0x00050000;
    private static final int EPERM = 1;
    private static final int EACCES = 13;
    private static final int ENOSYS = 38;
    private static final int X32_BIT = 0x40000000;

    private static final int LOAD = 0x20;
    private static final int AND = 0x54;
    private static final int JUMP_EQUAL = 0x15;
    private static final int JUMP_GREATER_OR_EQUAL = 0x35;
    private static final int RETURN = 0x06;
    /** Offsets in struct seccomp_data; both machines are little-endian. */
    private static final int NUMBER_AT = 0;
    private static final int ARCH_AT = 4;
    private static final int ARGUMENTS_AT = 16;
    /** Both machines' kernels refuse more. */
    private static final int LONGEST = 4096;

    /**
     * One instruction: struct sock_filter.
     *
     * @param code what to do
     * @param whenTrue how many to skip if a comparison holds
     * @param whenFalse how many to skip if not
     * @param operand the constant k
     */
    record Instruction(int code, int whenTrue, int whenFalse, int operand) {}

    /** Refuses nothing: a filter that carries no_new_privs to all threads. */
    static final List<Instruction> OPEN = List.of(new Instruction(RETURN, 0, 0, ALLOW));

    private SeccompFilter() {}

    /** A program that allows everything but what Landlock leaves open of what it was asked to close. */
    static List<Instruction> closing(LinuxSyscalls machine, boolean truncation, boolean ports, boolean listening) {
        List<Instruction> program = begin(machine);
        SystemCallRules.holes(truncation, ports, listening)
                .forEach((name, rule) -> append(program, machine.find(name), refuseIf(rule)));
        if (ports)
            append(program, machine.find("socket"), decide(SystemCallRules.tcpOnly()));
        if (truncation)
            append(program, machine.find("openat2"), List.of(refuse(ENOSYS)));
        program.add(new Instruction(RETURN, 0, 0, ALLOW));
        return List.copyOf(program);
    }

    /** A program that allows everything but keys: a user's outlive its processes, and no namespace parts them. */
    static List<Instruction> withoutKeys(LinuxSyscalls machine) {
        List<Instruction> program = begin(machine);
        for (String name : List.of("add_key", "request_key", "keyctl"))
            append(program, machine.find(name), List.of(refuse(EACCES)));
        program.add(new Instruction(RETURN, 0, 0, ALLOW));
        return List.copyOf(program);
    }

    private static List<Instruction> refuseIf(Rule rule) {
        if (rule.always())
            return List.of(refuse(EACCES));
        List<Instruction> block = new ArrayList<>();
        for (List<Test> tests : rule.alternatives())
            block.addAll(when(tests, refuse(EACCES)));
        block.add(new Instruction(RETURN, 0, 0, ALLOW));
        return block;
    }

    /**
     * Makes the program.
     *
     * @param start whether it is there before the program it is for, which must then be able to start
     * @param pid the process it is for, or 0 if that is not known yet
     */
    static List<Instruction> of(LinuxSyscalls machine, Collection<Promise> promises, boolean start, int pid) {
        List<Instruction> program = begin(machine);
        program.add(new Instruction(JUMP_GREATER_OR_EQUAL, 0, 1, LinuxSyscalls.LAST_KNOWN + 1));
        program.add(refuse(ENOSYS));
        for (Map.Entry<String, Rule> entry : SystemCallRules.of(promises, start, pid).entrySet())
            append(program, machine.find(entry.getKey()), decide(entry.getValue()));
        append(program, machine.find("clone3"), List.of(refuse(ENOSYS)));
        append(program, machine.find("openat2"), List.of(refuse(ENOSYS)));
        program.add(refuse(EPERM));
        if (program.size() > LONGEST)
            throw new IllegalStateException("a filter of " + program.size() + " instructions, of at most " + LONGEST);
        return List.copyOf(program);
    }

    /** Refuses what was called for another machine, and loads the call's number. */
    private static List<Instruction> begin(LinuxSyscalls machine) {
        List<Instruction> program = new ArrayList<>();
        program.add(load(ARCH_AT));
        program.add(new Instruction(JUMP_EQUAL, 1, 0, machine.auditArch()));
        program.add(refuse(EPERM));
        program.add(load(NUMBER_AT));
        if (machine.hasX32()) {
            program.add(new Instruction(JUMP_GREATER_OR_EQUAL, 0, 1, X32_BIT));
            program.add(refuse(EPERM));
        }
        return program;
    }

    /** A block that ends in a decision; skipped as a whole for other calls. */
    private static void append(List<Instruction> program, OptionalInt number, List<Instruction> block) {
        if (number.isEmpty())
            return;
        program.add(jumpUnlessEqual(number.getAsInt(), block.size()));
        program.addAll(block);
    }

    private static List<Instruction> decide(Rule rule) {
        if (rule.always())
            return List.of(new Instruction(RETURN, 0, 0, ALLOW));
        List<Instruction> block = new ArrayList<>();
        for (List<Test> tests : rule.alternatives())
            block.addAll(when(tests, new Instruction(RETURN, 0, 0, ALLOW)));
        block.add(refuse(rule.accessDenied() ? EACCES : EPERM));
        return block;
    }

    /** Built from its end: each test that fails skips what follows it. */
    private static List<Instruction> when(List<Test> tests, Instruction decision) {
        List<Instruction> rest = List.of(decision);
        for (Test test : tests.reversed()) {
            if (test.wide())
                rest = compare(test, 4, (int) (test.mask() >>> 32), (int) (test.value() >>> 32), rest);
            rest = compare(test, 0, (int) test.mask(), (int) test.value(), rest);
        }
        return rest;
    }

    private static List<Instruction> compare(Test test, int half, int mask, int value, List<Instruction> rest) {
        List<Instruction> block = new ArrayList<>();
        block.add(load(ARGUMENTS_AT + 8 * test.argument() + half));
        if (mask != -1)
            block.add(new Instruction(AND, 0, 0, mask));
        block.add(jumpUnlessEqual(value, rest.size()));
        block.addAll(rest);
        return block;
    }

    private static Instruction jumpUnlessEqual(int value, int skip) {
        if (skip > 255)
            throw new IllegalStateException("a jump over " + skip + " instructions, of at most 255");
        return new Instruction(JUMP_EQUAL, 0, skip, value);
    }

    private static Instruction load(int offset) {
        return new Instruction(LOAD, 0, 0, offset);
    }

    private static Instruction refuse(int errno) {
        return new Instruction(RETURN, 0, 0, ERRNO | errno);
    }
}
