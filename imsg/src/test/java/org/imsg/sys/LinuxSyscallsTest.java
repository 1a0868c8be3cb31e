package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LinuxSyscallsTest {
    private static final Path X86_64 = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");
    private static final Path GENERIC = Path.of("/usr/include/asm-generic/unistd.h");

    @Test
    void the_numbers_of_x86_64_are_those_of_the_kernels_header() throws IOException {
        assumeThat(X86_64).as("the kernel's headers for x86_64 (linux-libc-dev)").isRegularFile();
        agree(LinuxSyscalls.of("amd64"), numbers(X86_64, "__NR_"));
    }

    @Test
    void the_numbers_of_aarch64_are_those_of_the_kernels_generic_header() throws IOException {
        assumeThat(GENERIC).as("the kernel's headers (linux-libc-dev)").isRegularFile();
        Map<String, Integer> generic = numbers(GENERIC, "__NR_");
        // On 64-bit machines these go without the marks of 32-bit ones.
        numbers(GENERIC, "__NR3264_").forEach(generic::putIfAbsent);
        generic.put("newfstatat", generic.get("fstatat"));
        agree(LinuxSyscalls.of("aarch64"), generic);
    }

    /** A wrong dash would be a call nobody filters. */
    @Test
    void a_call_is_missing_only_where_the_machine_has_none() throws IOException {
        assumeThat(GENERIC).as("the kernel's headers (linux-libc-dev)").isRegularFile();
        Map<String, Integer> generic = numbers(GENERIC, "__NR_");
        for (String name : LinuxSyscalls.of("amd64").numbers().keySet())
            if (LinuxSyscalls.of("aarch64").find(name).isEmpty())
                assertThat(generic).doesNotContainKey(name);
    }

    @Test
    void a_call_that_is_not_there_is_refused_by_name() {
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> LinuxSyscalls.of("aarch64").number("fork")).withMessageContaining("fork");
    }

    private static void agree(LinuxSyscalls ours, Map<String, Integer> header) {
        assertThat(ours.numbers()).hasSizeGreaterThan(200);
        ours.numbers().forEach((name, number) -> {
            // A header older than the table does not know the newest calls.
            if (header.containsKey(name) || number < 449)
                assertThat(number).as(name).isEqualTo(header.get(name));
        });
    }

    private static Map<String, Integer> numbers(Path header, String prefix) throws IOException {
        Map<String, Integer> numbers = new HashMap<>();
        Matcher line = Pattern.compile("(?m)^#define " + prefix + "(\\w+)\\s+(\\d+)\\s*$")
                .matcher(Files.readString(header));
        while (line.find())
            numbers.put(line.group(1), Integer.valueOf(line.group(2)));
        return numbers;
    }
}
