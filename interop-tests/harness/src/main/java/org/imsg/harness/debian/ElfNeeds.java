package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads from a 64-bit little-endian ELF file which shared objects it needs: the DT_NEEDED entries of elf(5). */
final class ElfNeeds {
    private static final int E_PHOFF = 0x20;
    private static final int E_PHENTSIZE = 0x36;
    private static final int E_PHNUM = 0x38;
    private static final int P_OFFSET = 0x08;
    private static final int P_VADDR = 0x10;
    private static final int P_FILESZ = 0x20;
    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int DYNAMIC_ENTRY = 16; // d_tag, d_val
    private static final int DT_NEEDED = 1;
    private static final int DT_STRTAB = 5;

    private final ByteBuffer elf;

    private ElfNeeds(ByteBuffer elf) {
        this.elf = elf;
    }

    static List<String> of(Path file) throws IOException {
        ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        if (elf.limit() < E_PHNUM + 2 || elf.getInt(0) != 0x464c457f
                || (elf.get(4) != 2 || elf.get(5) != 1)) {
            throw new IOException(file + " is not a 64-bit little-endian ELF file");
        }
        return new ElfNeeds(elf).needed();
    }

    private List<String> needed() {
        List<Integer> names = new ArrayList<>();
        long strings = 0;
        int dynamic = programHeader(PT_DYNAMIC, 0);
        if (dynamic < 0) {
            return List.of();
        }
        int start = (int) elf.getLong(dynamic + P_OFFSET);
        int end = start + (int) elf.getLong(dynamic + P_FILESZ);
        for (int entry = start; entry < end; entry += DYNAMIC_ENTRY) {
            long tag = elf.getLong(entry);
            long value = elf.getLong(entry + Long.BYTES);
            if (tag == DT_NEEDED) {
                names.add((int) value);
            } else if (tag == DT_STRTAB) {
                strings = value;
            }
        }
        int table = fileOffset(strings);
        return names.stream().map(name -> string(table + name)).toList();
    }

    /** The file offset of the first program header of this type that holds this address, any if it is 0; or -1. */
    private int programHeader(int type, long address) {
        int first = (int) elf.getLong(E_PHOFF);
        int size = Short.toUnsignedInt(elf.getShort(E_PHENTSIZE));
        int count = Short.toUnsignedInt(elf.getShort(E_PHNUM));
        for (int header = first; header < first + count * size; header += size) {
            long from = elf.getLong(header + P_VADDR);
            boolean holds = address == 0 || (address >= from && address < from + elf.getLong(header + P_FILESZ));
            if (elf.getInt(header) == type && holds) {
                return header;
            }
        }
        return -1;
    }

    private int fileOffset(long address) {
        int header = programHeader(PT_LOAD, address);
        return (int) (address - elf.getLong(header + P_VADDR) + elf.getLong(header + P_OFFSET));
    }

    private String string(int offset) {
        int end = offset;
        while (elf.get(end) != 0) {
            end++;
        }
        return new String(elf.array(), offset, end - offset, StandardCharsets.US_ASCII);
    }
}
