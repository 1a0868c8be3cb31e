package org.imsg.sys;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.outside.OpensPipe;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A JVM that denies native access, as JVMs after 25 are going to do by themselves. */
@Timeout(60)
class NativeAccessTest {
    private static String mainClasses;
    private static String testClasses;

    @BeforeAll
    static void findClasses() throws URISyntaxException {
        mainClasses = Path.of(Posix.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        testClasses = Path.of("target", "test-classes").toAbsolutePath().toString();
    }

    private record Ended(int status, String output) {}

    private static Ended java(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--illegal-native-access=deny");
        command.addAll(List.of(options));
        command.add(OpensPipe.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (InputStream output = process.getInputStream()) {
            String text = new String(output.readAllBytes(), UTF_8);
            return new Ended(process.waitFor(), text);
        } finally {
            process.getOutputStream().close();
        }
    }

    @Test
    void a_module_without_native_access_is_told_the_flag_with_its_name() throws Exception {
        Ended ended = java("--module-path", mainClasses, "--add-modules", "org.imsg", "--class-path", testClasses);
        assertThat(ended.output()).containsPattern("--enable-native-access=org\\.imsg\\b");
        assertThat(ended.status()).isEqualTo(1);
    }

    @Test
    void a_class_path_without_native_access_is_told_the_flag_for_all_unnamed() throws Exception {
        Ended ended = java("--class-path", mainClasses + File.pathSeparator + testClasses);
        assertThat(ended.output()).containsPattern("--enable-native-access=ALL-UNNAMED\\b");
        assertThat(ended.status()).isEqualTo(1);
    }

    @Test
    void with_the_flag_the_module_works() throws Exception {
        Ended ended = java("--enable-native-access=org.imsg", "--module-path", mainClasses, "--add-modules", "org.imsg",
                "--class-path", testClasses);
        assertThat(ended.output()).isEqualToIgnoringNewLines("native access works");
        assertThat(ended.status()).isZero();
    }

    @Test
    void with_the_flag_the_class_path_works() throws Exception {
        Ended ended = java("--enable-native-access=ALL-UNNAMED", "--class-path",
                mainClasses + File.pathSeparator + testClasses);
        assertThat(ended.output()).isEqualToIgnoringNewLines("native access works");
        assertThat(ended.status()).isZero();
    }
}
