package org.imsg.privsep.rights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.imsg.privsep.rights.SeccompFilter.Instruction;

/** Runs a seccomp filter as the kernel would, as far as the filter uses its instructions; anything else is an error. */
final class Cbpf {
    private final List<Instruction> program;

    Cbpf(List<Instruction> program) {
        this.program = program;
    }

    /** What the filter returns for a system call on a little-endian machine: struct seccomp_data. */
    int run(int arch, int number, long... arguments) {
        ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(number).putInt(arch).putLong(0x7F00_0000_0000L);
        for (long argument : arguments)
            data.putLong(argument);
        int accumulator = 0;
        int at = 0;
        for (;;) {
            Instruction instruction = program.get(at++);
            int operand = instruction.operand();
            switch (instruction.code()) {
                case 0x20 -> {
                    if (operand < 0 || operand > 60 || operand % 4 != 0)
                        throw new AssertionError("the kernel refuses a load at offset " + operand);
                    accumulator = data.getInt(operand);
                }
                case 0x54 -> accumulator &= operand;
                case 0x15 -> at += accumulator == operand ? instruction.whenTrue() : instruction.whenFalse();
                case 0x35 -> at += Integer.compareUnsigned(accumulator, operand) >= 0
                        ? instruction.whenTrue()
                        : instruction.whenFalse();
                case 0x06 -> {
                    return operand;
                }
                default -> throw new AssertionError("no instruction " + instruction);
            }
        }
    }
}
