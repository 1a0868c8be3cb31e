package org.imsg.examples.master;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;

/**
 * Writes messages to the queue. A message is there when its file, whole and on the disk, has its name among the incoming ones; only then is
 * the sender told. If this process or the sender dies before, nothing is queued; if it dies between, the sender does not know.
 */
final class Cleanup implements Role {
    /** The request: a channel comes along, over which the message does. */
    static final int QUEUE = 1;
    /** From smtpd: a piece of the message, whose first line is the recipient; then its end. To smtpd: the message's name in the queue. */
    static final int TEXT = 1, END = 2, QUEUED = 3;
    private static final int LONGEST = 1 << 20;

    private final Spool spool;
    private int messages;

    Cleanup(Spool spool) {
        this.spool = spool;
    }

    @Override
    public void start(RoleProcess self) throws IOException {
        spool.removeLeft();
    }

    @Override
    public void rehearse(RoleProcess self, Imsg request) throws IOException {
        serve(self, request);
    }

    @Override
    public void serve(RoleProcess self, Imsg request) throws IOException {
        // No other process of this moment has the pid, and none of another moment the time.
        String name = Long.toHexString(System.currentTimeMillis()) + "-" + ProcessHandle.current().pid() + "-"
                + messages++;
        Path unfinished = spool.unfinished().resolve(name);
        try (ImsgChannel sender = ImsgChannel.of(request.takeFd())) {
            if (!received(sender, unfinished))
                return;
            Files.move(unfinished, spool.incoming().resolve(name), StandardCopyOption.ATOMIC_MOVE);
            Spool.sync(spool.incoming());
            tellQmgr(self, name);
            sender.send(Imsg.of(QUEUED, name));
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void tellQmgr(RoleProcess self, String name) {
        try {
            self.peer("qmgr").send(Imsg.of(QueueManager.INCOMING, name));
        } catch (IOException e) {
            self.log().log(Level.INFO, name + " waits until qmgr looks by itself: " + e);
        }
    }

    /** False if the sender went before the end. */
    private static boolean received(ImsgChannel sender, Path to) throws IOException {
        try (FileChannel file = FileChannel.open(to, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            // Whatever the umask is.
            Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rw-r-----"));
            for (Imsg next; (next = sender.receive()) != null;) {
                try (Imsg message = next) {
                    if (message.type() == END) {
                        file.force(true);
                        return true;
                    }
                    if (file.size() + message.length() > LONGEST)
                        throw new IOException("a message is longer than " + LONGEST + " bytes");
                    for (ByteBuffer text = ByteBuffer.wrap(message.payload()); text.hasRemaining();)
                        file.write(text);
                }
            }
            return false;
        }
    }
}
