package org.imsg.cstruct;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

import org.imsg.cstruct.CLayout.Member;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Nearly forty structs whose padding is easily got wrong, as the C compiler lays them out: by the layout probe of this machine, by
 * assertions compiled for this machine and for i386, and by tables recorded from those.
 */
class PaddingCasesTest {
    /** i386's rules but with 8-byte numbers aligned to 8 and a time_t of 8: what gcc calls -malign-double. */
    private static final CAbi ILP32 = new CAbi("ilp32", ByteOrder.LITTLE_ENDIAN, 4, 8, 8);
    /** Its union's alignment is a person's word, good for one platform. */
    private static final List<String> DIFFERS_BY_HAND = List.of("union_of_wide");

    @Test
    void the_layout_probe_of_this_machine_prints_the_same() throws Exception {
        String built = System.getProperty("imsg.c-reference");
        assumeTrue(built != null, "where c-reference was built: a property the build sets");
        Process probe = new ProcessBuilder(Path.of(built, "layout-probe").toString()).start();
        probe.getOutputStream().close();
        String printed;
        try (InputStream output = probe.getInputStream(); InputStream errors = probe.getErrorStream()) {
            printed = new String(output.readAllBytes(), UTF_8);
            assertThat(errors.readAllBytes()).isEmpty();
        }
        String expected = layouts(CAbi.host()).stream().map(PaddingCasesTest::asProbed)
                .collect(Collectors.joining(","));
        assertThat(printed.substring(printed.indexOf("\"cstruct\""))).isEqualTo("\"cstruct\": [" + expected
                + "\n  ]\n}\n");
        assertThat(PaddingCases.ALL).hasSizeGreaterThan(30);
    }

    @ParameterizedTest
    @CsvSource({"x86_64, -m64", "i386, -m32", "ilp32, -m32 -malign-double -DTIME_T_64"})
    void the_c_compiler_agrees_with_every_size_and_offset(String abi, String flags) throws Exception {
        String[] each = flags.split(" ");
        assumeTrue(CCompiler.compilesFor(each), "cc does not compile for " + flags);
        StringBuilder assertions = new StringBuilder("#include \"padding-cases.h\"\n");
        for (CLayout layout : layouts(abi(abi))) {
            if (abi.equals("x86_64") || !DIFFERS_BY_HAND.contains(layout.name()))
                assertions.append(CCompiler.assertions(layout));
        }
        assertThat(CCompiler.errors(assertions.toString(), each)).isEmpty();
        assertThat(CCompiler.errors(assertions + "_Static_assert(sizeof(struct mixed) == 1, \"is seen\");\n", each))
                .contains("is seen");
    }

    @ParameterizedTest
    @CsvSource({"x86_64", "i386", "ilp32"})
    void sizes_and_offsets_are_those_recorded(String abi) throws IOException {
        assertThat(layouts(abi(abi)).stream().map(PaddingCasesTest::line)).containsExactlyElementsOf(recorded(abi));
    }

    @Test
    void big_endian_machines_have_the_offsets_of_little_endian_ones() throws IOException {
        assertThat(layouts(CAbi.BIG_ENDIAN_64).stream().map(PaddingCasesTest::line))
                .containsExactlyElementsOf(recorded("x86_64"));
        assertThat(layouts(CAbi.BIG_ENDIAN_32).stream().map(PaddingCasesTest::line))
                .containsExactlyElementsOf(recorded("ilp32"));
    }

    private static CAbi abi(String name) {
        return switch (name) {
            case "x86_64" -> CAbi.X86_64;
            case "i386" -> CAbi.I386;
            default -> ILP32;
        };
    }

    private static List<CLayout> layouts(CAbi abi) {
        return PaddingCases.ALL.stream().map(type -> CStruct.of(type, abi, MethodHandles.lookup()).layout()).toList();
    }

    private static String asProbed(CLayout layout) {
        return layout.members().stream()
                .map(member -> "\n      {\"name\": \"%s\", \"offset\": %d, \"size\": %d}".formatted(member.name(),
                        member.offset(), member.type().size()))
                .collect(Collectors.joining(",", "\n    {\"name\": \"%s\", \"size\": %d, \"align\": %d, \"fields\": ["
                        .formatted(layout.name(), layout.size(), layout.alignment()), "]}"));
    }

    /** A struct as the tables have it: name, size, alignment, and each member with its offset. */
    private static String line(CLayout layout) {
        StringBuilder line = new StringBuilder(layout.name() + " " + layout.size() + " " + layout.alignment());
        for (Member member : layout.members())
            line.append(' ').append(member.name()).append(':').append(member.offset());
        return line.toString();
    }

    private static List<String> recorded(String abi) throws IOException {
        try (InputStream table = PaddingCasesTest.class.getResourceAsStream("padding-cases-" + abi + ".layouts")) {
            return new String(table.readAllBytes(), UTF_8).lines().filter(line -> !line.startsWith("#")).toList();
        }
    }
}
