package org.imsg.examples.master;

import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
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
 *
 * <p>What fails is tried again, ever more seldom the older the message is, for five days. A message that is older then, and at once one
 * that is for no user, is set aside among the undelivered ones.
 */
final class QueueManager implements Role {
    /** From cleanup: the name of a message that has come. */
    static final int INCOMING = 1;
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration LIFETIME = Duration.ofDays(5);
    private static final int LOOK_SECONDS = 60, LONGEST_PAUSE_SECONDS = 3600;
    /** Further messages wait in the directories until the queue is looked through again. */
    private static final int MOST_ACTIVE = 10_000;

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
        self.on("cleanup", INCOMING, (_, name) -> take(self, name.getString(name.length())));
        work.scheduleWithFixedDelay(() -> look(self), 0, LOOK_SECONDS, TimeUnit.SECONDS);
    }

    private void look(RoleProcess self) {
        for (Path directory : new Path[]{spool.decided(), spool.incoming()}) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path file : files)
                    if (Mailbox.isName(file.getFileName().toString()))
                        take(self, file.getFileName().toString());
            } catch (Exception | Error e) {
                self.log().log(Level.ERROR, "the queue cannot be read", e);
            }
        }
    }

    /** Begins to work on a message that is there, unless it has, or has too much to do. */
    private void take(RoleProcess self, String name) {
        String message = Mailbox.message(name);
        if (active.size() >= MOST_ACTIVE || !active.add(message))
            return;
        if (Files.exists(file(name)))
            work.execute(() -> deliver(self, name));
        else
            active.remove(message);
    }

    /** The file of a message, or of the attempt that was decided for. */
    private Path file(String name) {
        return (Mailbox.message(name).equals(name) ? spool.incoming() : spool.decided()).resolve(name);
    }

    private void deliver(RoleProcess self, String name) {
        String attempt = name;
        try (Fd.Pair ends = Fd.socketpair(); ImsgChannel agent = Deliver.channel(ends.first())) {
            self.request("deliver", Imsg.of(Deliver.SERVE).withFd(ends.second()), PATIENCE);
            if (Mailbox.message(name).equals(name)) {
                String next = name + "." + Long.toHexString(ThreadLocalRandom.current().nextLong());
                order(agent, Deliver.WRITE, next, file(name));
                Files.move(file(name), file(next), StandardCopyOption.ATOMIC_MOVE);
                attempt = next;
                Spool.sync(spool.decided());
            }
            order(agent, Deliver.COMMIT, attempt, file(attempt));
            Files.delete(file(attempt));
            active.remove(Mailbox.message(name));
        } catch (Exception | Error e) {
            deferOrSetAside(self, attempt, e);
        }
    }

    /** The age is that of the file, which a clock that was wrong may have put into the future. */
    private void deferOrSetAside(RoleProcess self, String name, Throwable why) {
        try {
            Path file = file(name);
            Duration age = Duration.between(Files.getLastModifiedTime(file).toInstant(), Instant.now()).abs();
            if (!(why instanceof UndeliverableException) && age.compareTo(LIFETIME) < 0) {
                self.log().log(Level.WARNING, name + " is tried again: " + why);
                work.schedule(() -> deliver(self, name), Math.clamp(age.toSeconds() / 4, 1, LONGEST_PAUSE_SECONDS),
                        TimeUnit.SECONDS);
                return;
            }
            Files.move(file, spool.undelivered().resolve(name), StandardCopyOption.ATOMIC_MOVE);
            self.log().log(Level.ERROR, name + " is set aside in undelivered: " + why);
        } catch (IOException e) {
            self.log().log(Level.ERROR, name + " is neither delivered nor set aside: " + why + "; " + e);
        }
        active.remove(Mailbox.message(name));
    }

    /** The message never can be delivered. */
    private static final class UndeliverableException extends IOException {
        private static final long serialVersionUID = 1;

        UndeliverableException(String why) {
            super(why);
        }
    }

    private static void order(ImsgChannel agent, int what, String attempt, Path file) throws IOException {
        try (Imsg order = Imsg.of(what, attempt).withFd(Fd.open(file, OpenFlag.READ, OpenFlag.NOFOLLOW))) {
            agent.send(order, PATIENCE);
        }
        try (Imsg answer = agent.receive(PATIENCE)) {
            if (answer == null)
                throw new EOFException("the process that delivers ended before it said so");
            if (answer.type() == Deliver.NEVER)
                throw new UndeliverableException("it is for no user");
        }
    }
}
