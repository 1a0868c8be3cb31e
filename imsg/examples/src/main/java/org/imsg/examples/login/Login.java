package org.imsg.examples.login;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.imsg.Imsg;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.Privileged;
import org.imsg.privsep.ops.Program;
import org.imsg.privsep.ops.RefusedException;
import org.imsg.privsep.ops.RunningProgram;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * One connection: {@code login USER}, {@code password SECRET} as often as the parent lets it try, then {@code run COMMAND} as often as the user likes. The
 * output of a command comes as it is, and after it a line with how the command ended.
 */
final class Login implements Role {
    private static final int LONGEST_LINE = 2048;

    @Override
    public void start(RoleProcess self) {
        // Everything begins with a connection.
    }

    /** Runs through the same code as a connection does, before there is one. */
    @Override
    public void rehearse(RoleProcess self, Imsg request) throws IOException {
        serve(self, request);
    }

    @Override
    public void serve(RoleProcess self, Imsg request) throws IOException {
        try (FdChannel client = new FdChannel(request.takeFd())) {
            Optional<String> user = authenticated(self, client);
            if (user.isPresent())
                for (byte[] line; (line = line(client)).length > 0;)
                    run(self.privileged(), user.get(), words(line, "run "), client);
        }
    }

    private static Optional<String> authenticated(RoleProcess self, FdChannel client) throws IOException {
        byte[] first = line(client);
        if (first.length == 0)
            return Optional.empty();
        String name = words(first, "login ");
        for (;;) {
            // Never a String: it could not be wiped.
            byte[] line = line(client);
            byte[] secret = Arrays.copyOfRange(line, Math.min(line.length, "password ".length()), line.length);
            try {
                Optional<String> user = name.isEmpty() || line.length == 0
                        ? Optional.empty()
                        : self.privileged().authenticate(self.arguments().get(1), name, secret);
                write(client, user.isPresent() ? "welcome\n" : "no\n");
                if (user.isPresent() || line.length == 0)
                    return user;
            } catch (RefusedException _) {
                // The parent counts the tries: in this process a stranger could count anew.
                return Optional.empty();
            } finally {
                Arrays.fill(line, (byte) 0);
                Arrays.fill(secret, (byte) 0);
            }
        }
    }

    private static void run(Privileged parent, String user, String command, FdChannel client) throws IOException {
        try (RunningProgram shell = parent.run(Program.of(Path.of("/bin/sh"), "-c", command).as(user))) {
            shell.stdin().close();
            Thread errors = Thread.ofVirtual().start(() -> copy(shell.stderr(), client));
            copy(shell.stdout(), client);
            errors.join();
            write(client, "exit " + shell.waitFor().code() + "\n");
        } catch (InterruptedException e) {
            throw new java.io.InterruptedIOException();
        }
    }

    private static void copy(Fd from, FdChannel to) {
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        try (FdChannel output = new FdChannel(from)) {
            while (output.read(buffer.clear()) >= 0)
                to.write(buffer.flip());
        } catch (IOException _) {
            // The client is gone; the program is told so when its pipe is closed.
        }
    }

    /** Reads up to the end of a line, or of the stream; a longer line ends the connection. */
    private static byte[] line(FdChannel client) throws IOException {
        byte[] bytes = new byte[LONGEST_LINE];
        try {
            for (int length = 0; length < LONGEST_LINE; length++)
                if (client.read(ByteBuffer.wrap(bytes, length, 1)) < 0 || bytes[length] == '\n')
                    return Arrays.copyOf(bytes, length);
            throw new IOException("a line is longer than " + LONGEST_LINE + " bytes");
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** The rest of a line after its first word; empty if it has another. */
    private static String words(byte[] line, String first) {
        String text = new String(line, UTF_8);
        return text.startsWith(first) ? text.substring(first.length()) : "";
    }

    private static void write(FdChannel client, String text) throws IOException {
        client.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
    }
}
