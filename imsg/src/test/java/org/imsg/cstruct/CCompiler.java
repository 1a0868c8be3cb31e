package org.imsg.cstruct;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.imsg.cstruct.CLayout.Member;

/** Holds layouts against the C compiler: every size and offset becomes a static assertion, so that nothing need run. */
final class CCompiler {
    private CCompiler() {}

    /** {@return whether it compiles for such a platform} */
    static boolean compilesFor(String... flags) throws IOException, InterruptedException {
        try {
            return errors("#include <stdint.h>\n", flags).isEmpty();
        } catch (IOException e) {
            return false; // there is none
        }
    }

    static String assertions(CLayout layout) {
        StringBuilder text = new StringBuilder();
        String struct = "struct " + layout.name();
        require(text, "sizeof(" + struct + ")", layout.size());
        require(text, "_Alignof(" + struct + ")", layout.alignment());
        for (Member member : layout.members()) {
            require(text, "offsetof(" + struct + ", " + member.name() + ")", member.offset());
            if (member.type().size() > 0)
                require(text, "sizeof(((" + struct + " *)0)->" + member.name() + ")", member.type().size());
        }
        return text.toString();
    }

    private static void require(StringBuilder text, String what, int value) {
        text.append("_Static_assert(%s == %d, \"%s is not %d\");\n".formatted(what, value, what, value));
    }

    /** {@return what the compiler complains about; empty if the text is right} */
    static String errors(String text, String... flags) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of("cc", "-std=gnu11", "-ffreestanding", "-fsyntax-only", "-I",
                Path.of("..", "c-reference").toString()));
        line.addAll(List.of(flags));
        line.addAll(List.of("-x", "c", "-"));
        Process compiler = new ProcessBuilder(line).redirectErrorStream(true).start();
        try (var input = compiler.getOutputStream()) {
            input.write(text.getBytes(UTF_8));
        }
        String complaints;
        try (var output = compiler.getInputStream()) {
            complaints = new String(output.readAllBytes(), UTF_8);
        }
        if (compiler.waitFor() != 0 && complaints.isEmpty())
            throw new IOException("cc ended with " + compiler.exitValue());
        return complaints;
    }
}
