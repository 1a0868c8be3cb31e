package org.imsg.privsep.ops;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.sys.NativeString;
import org.imsg.unix.OpenFlag;

/** Asks a monitor for files whose names are not ASCII, under the locale of this JVM. The argument is their directory. */
final class AsksInAnyLocale {
    private AsksInAnyLocale() {}

    public static void main(String... arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        Path utf8 = directory.resolve(NativeString.path("gr\u00fcn".getBytes(UTF_8)));
        Path latin1 = directory.resolve(NativeString.path(new byte[]{'g', 'r', (byte) 0xFC, 'n'}));
        Files.writeString(utf8, "green");
        Files.writeString(latin1, "green");
        try (Served served = Served.by(Policy.of("open read " + directory + "/", "remove " + directory + "/"));
                Privileged privileged = served.privileged()) {
            privileged.open(utf8, OpenFlag.READ).close();
            privileged.remove(utf8);
            System.out.println("opened and removed: " + Files.notExists(utf8));
            try {
                privileged.open(latin1, OpenFlag.READ).close();
            } catch (IllegalArgumentException e) {
                System.out
                        .println("refused: " + e.getMessage().endsWith("is not UTF-8, and the paths of a policy are"));
            }
        }
        System.out.println(
                "single: " + PolicyPath.single("/gr\u00fcn").equals(NativeString.path("/gr\u00fcn".getBytes(UTF_8))));
    }
}
