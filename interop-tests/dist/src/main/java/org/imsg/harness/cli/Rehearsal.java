package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;

/**
 * Runs the commands in one JVM, so that it loads and links what they need: the cache that a start takes its classes from is
 * made of that.
 */
final class Rehearsal {
    /** More than a busy machine takes. */
    private static final String PATIENCE = "1m";

    private Rehearsal() {}

    /**
     * Plays all of them through, in the working directory: sockets and files are left there, under names so short that any
     * directory will do.
     *
     * @param arguments none
     * @throws Exception if a command does otherwise than it should
     */
    public static void main(String[] arguments) throws Exception {
        play();
        System.exit(ExitCode.OK); // no thread of a connection is waited for
    }

    private static void play() throws Exception {
        imsg(ExitCode.OK, "--version");
        imsg(ExitCode.OK, "--help");
        imsg(ExitCode.OK, "help", "script");
        imsg(ExitCode.OK, "completion", "bash");
        for (String command : ImsgCommand.commandLine().getSubcommands().keySet())
            imsg(ExitCode.OK, command, "--help");
        imsg(ExitCode.FAILED, "send", "nothing", "--type", "1");
        imsg(ExitCode.USAGE, "sned");

        String structs = written("structs", "struct word {\n char text[8]\n}\nmessage 7 HELLO word\n");
        String rules = written("rules", "on HELLO\n    send HELLO struct.text=you\n");
        String talk = written("talk", "send HELLO struct.text=me\nexpect HELLO within=1m\n");
        String socket = "socket";
        served(new String[]{"listen", socket, "--script", rules, "--describe", structs, "--once"}, "send", socket,
                "--describe",
                structs, "--type", "HELLO", "--struct", "word", "text=me", "--end", "HELLO", "--wait", PATIENCE,
                "--record",
                "recording.pcapng", "--colour", "always");
        served(new String[]{"listen", socket, "--echo", "--once"}, "send", socket, "--type", "7", "--data", "me",
                "--end", "7",
                "--wait", PATIENCE, "--record", "recording", "--json");
        served(new String[]{"listen", socket, "--script", rules, "--describe", structs, "--once"}, "talk", socket,
                "--script", talk,
                "--describe", structs, "--html", "page.html");
        served(new String[]{"listen", socket, "--echo", "--once"}, "replay", "recording", socket, "--once", "--wait",
                PATIENCE);
        imsg(ExitCode.OK, "decode", "recording.pcapng", "--describe", structs, "--html", "page.html");
        imsg(ExitCode.OK, "decode", "recording", "--json");

        served(new String[]{"listen", socket, "--echo"}, "probe", socket);
        served(new String[]{"tap", "tap", socket}, "send", "tap", "--type", "7", "--end", "7", "--wait", PATIENCE);
    }

    /** Runs a command that serves, and one that finds it there as soon as it listens. */
    private static void served(String[] server, String... client) throws Exception {
        FutureTask<Integer> served = new FutureTask<>(() -> ImsgCommand.execute(server));
        Thread.ofPlatform().daemon().start(served);
        int code;
        do {
            code = ImsgCommand.execute(client);
            if (served.isDone() && served.get() != ExitCode.OK)
                throw new IllegalStateException(String.join(" ", server) + " ended with " + served.get());
        } while (code == ExitCode.FAILED);
        check(ExitCode.OK, code, client);
        if (server[server.length - 1].equals("--once"))
            check(ExitCode.OK, served.get(), server);
    }

    private static void imsg(int expected, String... arguments) {
        check(expected, ImsgCommand.execute(arguments), arguments);
    }

    private static void check(int expected, int code, String... arguments) {
        if (code != expected)
            throw new IllegalStateException(String.join(" ", arguments) + " ended with " + code);
    }

    private static String written(String name, String text) throws IOException {
        return Files.writeString(Path.of(name), text).toString();
    }
}
