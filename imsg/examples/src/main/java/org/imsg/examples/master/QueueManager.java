package org.imsg.examples.master;

import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/**
 * Has each message of the queue delivered, in two steps, so that it is delivered once whoever dies when. An attempt with a name of its own
 * writes the text beside the mailbox. The rename of the queue's file to that name decides for this attempt. The decided attempt is then put
 * into the mailbox, which may be asked for again: it happens once. Only then the queue's file goes.
 */
final class QueueManager implements Role {
    /** From cleanup: the name of a message that has come. */
    static final int INCOMING = 1;
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int PAUSE_SECONDS = 1, LOOK_SECONDS = 60;

    private final Spool spool;
    private final ScheduledExecutorService work;
    /** Messages that are worked on, or wait for another try. */
    private final Set<String> active = ConcurrentHashMap.newKeySet();

    QueueManager(Spool spool, int deliveries) {
        this.spool = spool;
        this.work = Executors.newScheduledThreadPool(deliveries);
    }

    @Override
    public void start(RoleProcess self) {
        self.on("cleanup", INCOMING, (_, name) -> take(self, spool.incoming(), name.getString(name.length())));
        work.scheduleWithFixedDelay(() -> look(self), 0, LOOK_SECONDS, TimeUnit.SECONDS);
    }

    private void look(RoleProcess self) {
        for (Path directory : new Path[]{spool.decided(), spool.incoming()}) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path file : files)
                    if (Mailbox.isName(file.getFileName().toString()))
                        take(self, directory, file.getFileName().toString());
            } catch (IOException | DirectoryIteratorException e) {
                self.log().log(Level.ERROR, "the queue cannot be read", e);
            }
        }
    }

    /** Begins to work on a message that is there, unless it has. */
    private void take(RoleProcess self, Path directory, String name) {
        String message = Mailbox.message(name);
        if (!active.add(message))
            return;
        if (Files.exists(directory.resolve(name)))
            work.execute(() -> deliver(self, name));
        else
            active.remove(message);
    }

    private void deliver(RoleProcess self, String name) {
        String attempt = name;
        try (Fd.Pair ends = Fd.socketpair(); ImsgChannel agent = Deliver.channel(ends.first())) {
            self.request("deliver", Imsg.of(Deliver.SERVE).withFd(ends.second()), PATIENCE);
            if (Mailbox.message(name).equals(name)) {
                String next = name + "." + Long.toHexString(ThreadLocalRandom.current().nextLong());
                Path file = spool.incoming().resolve(name);
                order(agent, Deliver.WRITE, next, file);
                Files.move(file, spool.decided().resolve(next), StandardCopyOption.ATOMIC_MOVE);
                attempt = next;
                Spool.sync(spool.decided());
            }
            Path file = spool.decided().resolve(attempt);
            order(agent, Deliver.COMMIT, attempt, file);
            Files.delete(file);
            active.remove(Mailbox.message(name));
        } catch (IOException | InterruptedException | RuntimeException e) {
            String next = attempt;
            self.log().log(Level.WARNING, next + " is tried again: " + e);
            work.schedule(() -> deliver(self, next), PAUSE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static void order(ImsgChannel agent, int what, String attempt, Path file) throws IOException {
        agent.send(Imsg.of(what, attempt).withFd(Fd.open(file, OpenFlag.READ, OpenFlag.NOFOLLOW)), PATIENCE);
        try (Imsg answer = agent.receive(PATIENCE)) {
            if (answer == null)
                throw new EOFException("the process that delivers ended before it said so");
        }
    }
}
