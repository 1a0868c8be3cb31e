package org.imsg.privsep.rights;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.sys.NativeString;
import org.imsg.unix.Child;

/** Confines children to directories whose names are not ASCII, under the locale of this JVM. The argument is where they are. */
final class ConfinesInAnyLocale {
    private static final Path PROGRAMS = Path.of("/usr");

    private ConfinesInAnyLocale() {}

    public static void main(String... arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        confine(directory.resolve(NativeString.path("gr\u00fcn".getBytes(UTF_8))), "'gr\\303\\274n'");
        confine(directory.resolve(NativeString.path(new byte[]{'g', 'r', (byte) 0xFC, 'n'})), "'gr\\374n'");
    }

    private static void confine(Path directory, String printed) throws Exception {
        Files.writeString(Files.createDirectory(directory).resolve("inside"), "");
        Files.writeString(directory.resolveSibling("outside"), "");
        Child.Builder reading = Child.of(Path.of("/usr/bin/sh"), "-c", "exec 2> /dev/null; cd \"$1\" && "
                + "test -r \"$(printf " + printed + ")/inside\" && ! cat outside && cat \"$(printf " + printed
                + ")/inside\"", "sh", directory.getParent().toString());
        Confinement unveiled = Confinement.none().unveil(PROGRAMS, Access.READ, Access.EXEC)
                .unveil(Path.of("/dev/null"), Access.READ, Access.WRITE).unveil(directory, Access.READ);
        System.out.println("unveiled " + unveiled.spawn(reading).waitFor().code());
        try {
            Confinement.none().chroot(directory).spawn(reading);
        } catch (IOException e) {
            System.out.println("chroot " + e.getMessage().startsWith("posix_spawn(/usr/bin/sh): ENOENT"));
        }
    }
}
