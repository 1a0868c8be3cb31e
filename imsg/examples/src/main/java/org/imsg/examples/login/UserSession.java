package org.imsg.examples.login;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.imsg.Imsg;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.User;
import org.imsg.unix.FdChannel;

/**
 * The connection of a user who has logged in, in a process under the ids of this user: {@code run COMMAND} as often as the user likes. The
 * output of a command comes as it is, and after it a line with how the command ended.
 */
final class UserSession implements Role {
    @Override
    public void start(RoleProcess self) {
        // Everything begins with a request: a connection, and the name of its user.
    }

    @Override
    public void serve(RoleProcess self, Imsg request) throws IOException {
        String name = request.getStrbuf(request.length());
        try (FdChannel client = new FdChannel(request.takeFd())) {
            User user = self.privileged().lookups().user(name)
                    .orElseThrow(() -> new IOException("user " + name + " is gone"));
            Lines.write(client, "welcome\n");
            for (byte[] line; (line = Lines.read(client)).length > 0;)
                run(Lines.words(line, "run "), user, client);
        }
    }

    private static void run(String command, User user, FdChannel client) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", command).redirectErrorStream(true)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", "/usr/bin:/bin", "USER", user.name(), "LOGNAME", user.name(),
                "HOME", user.home(), "SHELL", user.shell()));
        Process shell = builder.start();
        try (InputStream output = shell.getInputStream()) {
            byte[] buffer = new byte[8192];
            for (int length; (length = output.read(buffer)) >= 0;)
                client.write(ByteBuffer.wrap(buffer, 0, length));
            Lines.write(client, "exit " + shell.waitFor() + "\n");
        } catch (InterruptedException _) {
            throw new InterruptedIOException();
        } finally {
            // The client may have gone; what the command has started is ended with this process.
            shell.destroyForcibly();
        }
    }
}
