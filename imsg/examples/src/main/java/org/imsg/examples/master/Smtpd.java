package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.Channels;
import java.time.Duration;
import java.util.Arrays;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * Reads what strangers send, and has a message queued by a process of cleanup before it says so. It may write nowhere: its one right is to
 * ask whether a user is there.
 */
final class Smtpd implements Role {
    /** The request: a connection comes along. */
    static final int SERVE = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int PIECE = 8192;

    @Override
    public void start(RoleProcess self) {
        // Everything begins with a connection.
    }

    @Override
    public void rehearse(RoleProcess self, Imsg request) throws IOException {
        serve(self, request);
    }

    @Override
    public void serve(RoleProcess self, Imsg request) throws IOException {
        try (FdChannel client = new FdChannel(request.takeFd())) {
            new Smtp(new BufferedInputStream(Channels.newInputStream(client)), Channels.newOutputStream(client),
                    user -> self.privileged().lookups().user(user).isPresent(),
                    (recipient, text) -> queue(self, recipient, text)).run();
        }
    }

    private static String queue(RoleProcess self, String recipient, byte[] text) throws IOException {
        try (Fd.Pair ends = Fd.socketpair(); ImsgChannel cleanup = ImsgChannel.of(ends.first())) {
            self.request("cleanup", Imsg.of(Cleanup.QUEUE).withFd(ends.second()), PATIENCE);
            cleanup.send(Imsg.of(Cleanup.TEXT, (recipient + "\n").getBytes(ISO_8859_1)), PATIENCE);
            for (int at = 0; at < text.length; at += PIECE)
                cleanup.send(Imsg.of(Cleanup.TEXT,
                        Arrays.copyOfRange(text, at, Math.min(text.length, at + PIECE))), PATIENCE);
            cleanup.send(Imsg.of(Cleanup.END), PATIENCE);
            try (Imsg answer = cleanup.receive(PATIENCE)) {
                if (answer == null)
                    throw new EOFException("the process that queues ended before it said so");
                return answer.getString(answer.length());
            }
        } catch (IOException e) {
            self.log().log(Level.WARNING, "a message is perhaps not queued: " + e);
            throw e;
        } catch (InterruptedException _) {
            throw new InterruptedIOException();
        }
    }
}
