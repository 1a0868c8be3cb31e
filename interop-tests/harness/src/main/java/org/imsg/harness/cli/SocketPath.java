package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.UnixAddress;

/** The path of a socket: checked before anything is done, and looked at when no connection can be made. */
final class SocketPath {
    private SocketPath() {}

    /**
     * Refuses a path that no socket can have.
     *
     * @throws IllegalArgumentException if it is too long
     */
    static void check(Path socket) {
        UnixAddress.of(socket);
    }

    /** What to do about a connection that could not be made; empty if the error says all there is to say. */
    static String advice(ErrnoException failure) {
        String on = failure.on();
        if (!failure.call().equals("connect") || on == null || on.startsWith("@"))
            return "";
        Path socket = Path.of(on);
        String advice = switch (failure.name()) {
            case "ENOENT", "ENOTDIR" -> "there is no socket: does the daemon run, and is this its path?";
            case "ECONNREFUSED" -> Files.isRegularFile(socket) || Files.isDirectory(socket)
                    ? "this is no socket: name the one that the daemon listens at"
                    : "no process listens at it any more: start the daemon, which replaces the file";
            case "EACCES", "EPERM" -> whoMay(socket);
            case "EPROTOTYPE" -> "this is no stream socket, and imsg goes over nothing else";
            default -> "";
        };
        return advice.isEmpty() ? "" : "; " + advice;
    }

    private static String whoMay(Path socket) {
        try {
            Map<String, Object> file = Files.readAttributes(socket, "unix:owner,group,mode");
            return "run imsg as a user who may write to it: its owner is " + file.get("owner") + ", its group "
                    + file.get("group") + ", its mode " + "%04o".formatted((int) file.get("mode") & 07777);
        } catch (IOException _) {
            return "run imsg as a user who may search the directories above it";
        }
    }
}
