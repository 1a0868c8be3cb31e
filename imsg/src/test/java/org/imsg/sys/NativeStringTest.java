package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class NativeStringTest {
    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    void a_path_is_the_file_the_jdk_means_whatever_the_locale(String locale, @TempDir Path directory) throws Exception {
        String output = new ChildJvm().environment("LC_ALL", locale).run(NamesInAnyLocale.class, directory.toString());
        assertThat(output.lines().sorted()).containsExactly("6772c3bc6e: opened, connected, started",
                "6c6174696efc: opened, connected, started", "706c61696e: opened, connected, started");
    }

    @Test
    void a_path_has_the_bytes_it_was_made_of() throws Exception {
        for (String quoted : new String[]{"/", "/a", "/a%20b%25/c", "/%C3%BC", "/%FC%80/%01", "/tmp", "/t%FCmp/"}) {
            Path path = Path.of(URI.create("file://" + quoted));
            String expected = quoted.length() > 1 && quoted.endsWith("/")
                    ? quoted.substring(0, quoted.length() - 1)
                    : quoted;
            assertThat(NativeString.bytes(path)).as(quoted).isEqualTo(unquoted(expected));
            assertThat(NativeString.path(NativeString.bytes(path))).isEqualTo(path);
        }
    }

    @Test
    void a_relative_path_stays_relative() {
        Path latin1 = Path.of(URI.create("file:///%FC/b")).getRoot().relativize(Path.of(URI.create("file:///%FC/b")));
        assertThat(NativeString.bytes(latin1)).isEqualTo(new byte[]{(byte) 0xFC, '/', 'b'});
        assertThat(NativeString.path(new byte[]{(byte) 0xFC, '/', 'b'})).isEqualTo(latin1);
        assertThat(NativeString.path("../../a".getBytes(StandardCharsets.US_ASCII))).isEqualTo(Path.of("../../a"));
        assertThat(NativeString.bytes(Path.of("a", "b"))).asString(StandardCharsets.US_ASCII).isEqualTo("a/b");
        assertThat(NativeString.bytes(Path.of(""))).asString(StandardCharsets.US_ASCII).isEqualTo(".");
    }

    @Test
    void a_path_of_another_file_system_is_refused(@TempDir Path directory) throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(
                URI.create("jar:" + directory.resolve("some.zip").toUri()), java.util.Map.of("create", "true"))) {
            assertThatIllegalArgumentException().isThrownBy(() -> NativeString.bytes(zip.getPath("/etc/passwd")))
                    .withMessageContaining("another file system");
            Files.writeString(zip.getPath("/x"), "a zip file must not be empty");
        }
    }

    @Test
    void text_ends_with_a_nul_and_has_none_inside() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment string = NativeString.of("a\u00fc", arena);
            assertThat(string.get(ValueLayout.JAVA_BYTE, string.byteSize() - 1)).isZero();
            assertThatIllegalArgumentException().isThrownBy(() -> NativeString.of("a\0b", arena))
                    .withMessageContaining("index 1");
        }
    }

    private static byte[] unquoted(String quoted) {
        var bytes = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < quoted.length(); i++)
            if (quoted.charAt(i) == '%') {
                bytes.write(HexFormat.fromHexDigits(quoted, i + 1, i + 3));
                i += 2;
            } else {
                bytes.write(quoted.charAt(i));
            }
        return bytes.toByteArray();
    }
}
