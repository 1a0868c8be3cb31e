package org.imsg.sys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/** Programs whose names are ASCII, UTF-8 and Latin-1, as the JDK lists them; run by NativeStringTest under several locales. */
final class NamesInAnyLocale {
    private NamesInAnyLocale() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        // By the shell, since a Path of this locale may not be able to name them.
        String make = "for name in plain 'gr\\303\\274n' 'latin\\374'; do"
                + " ln -s /bin/true \"$0/$(printf \"$name\")\"; done";
        new ProcessBuilder("/bin/sh", "-c", make, directory.toString()).inheritIO().start().waitFor();
        List<Path> files;
        try (Stream<Path> listed = Files.list(directory)) {
            files = listed.toList();
        }
        for (Path file : files) {
            System.out
                    .println(HexFormat.of().formatHex(NativeString.bytes(file.getFileName())) + ": " + open(file) + ", "
                            + connect(file) + ", " + start(file));
            Files.delete(file);
        }
    }

    private static String open(Path file) throws IOException {
        try (Fd _ = Fd.open(file)) {
            return "opened";
        }
    }

    private static String connect(Path file) throws Exception {
        Files.delete(file);
        try (UnixListener listener = UnixListener.of(UnixListener.at(UnixAddress.of(file)).listen().handOn());
                Fd _ = Sockets.connect(listener.address())) {
            return Files.exists(file) && listener.address().path().equals(file) ? "connected" : "elsewhere";
        } finally {
            Files.deleteIfExists(file);
            Files.createSymbolicLink(file, Path.of("/bin/true"));
        }
    }

    private static String start(Path file) throws Exception {
        return Child.of(file, "an argument").start().waitFor().success() ? "started" : "failed";
    }
}
