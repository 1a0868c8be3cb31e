package org.imsg.examples.login;

import java.io.IOException;
import java.util.Arrays;
import org.imsg.Imsg;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.RefusedException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * One connection of a stranger: {@code login USER}, then {@code password SECRET} as often as the parent lets it try. When a password was right, the
 * connection goes back to the parent, and this process ends.
 */
final class Login implements Role {
    /** To the parent: the stranger at the other end of the connection that comes along has shown a password. */
    static final int LOGGED_IN = 2;

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
        try (Fd connection = request.takeFd(); FdChannel client = new FdChannel(connection.dup())) {
            if (isAuthenticated(self, client))
                self.parent().send(Imsg.of(LOGGED_IN).withFd(connection.move()));
        }
    }

    private static boolean isAuthenticated(RoleProcess self, FdChannel client) throws IOException {
        byte[] first = Lines.read(client);
        String name = Lines.words(first, "login ");
        while (first.length > 0) {
            // Never a String: it could not be wiped.
            byte[] line = Lines.read(client);
            byte[] secret = Arrays.copyOfRange(line, Math.min(line.length, "password ".length()), line.length);
            try {
                if (line.length == 0)
                    return false;
                if (!name.isEmpty()
                        && self.privileged().authenticate(self.arguments().get(1), name, secret).isPresent())
                    return true;
                Lines.write(client, "no\n");
            } catch (RefusedException _) {
                // The parent counts the tries: in this process a stranger could count anew.
                return false;
            } finally {
                Arrays.fill(line, (byte) 0);
                Arrays.fill(secret, (byte) 0);
            }
        }
        return false;
    }
}
