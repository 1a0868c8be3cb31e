package org.imsg.unix;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The connections that a listener serves, each on a virtual thread of its own: counts them, all and each user's, and ends
 * them.
 */
final class Connections<C extends AutoCloseable> {
    private final UnixAddress address;
    private final Function<Fd, C> opener;
    private final ConnectionHandler<? super C> handler;
    private final BoundedLog log;
    private final Admission admission;
    private final ReentrantLock lock = new ReentrantLock();
    /** Signalled when a connection has ended, and when no further one is to begin. */
    private final Condition changed = lock.newCondition();
    private final Set<Connection> open = new HashSet<>();
    /** By user, how many: counted down without memory. */
    private final Map<Long, int[]> ofUid = new HashMap<>();
    private boolean ending;
    private volatile boolean cut;

    Connections(UnixAddress address, Function<Fd, C> opener, ConnectionHandler<? super C> handler,
            BoundedLog log, Admission admission) {
        this.address = address;
        this.opener = opener;
        this.handler = handler;
        this.log = log;
        this.admission = admission;
    }

    private final class Connection implements Runnable {
        private final PeerCredentials peer;
        private final Long user;
        private final Thread thread = Thread.ofVirtual().name("imsg-connection").unstarted(this);
        /** Whether its close was called: a cut and its own end may come together. */
        private final AtomicBoolean closing = new AtomicBoolean();
        private volatile @Nullable C channel;
        /** The next of those that are cut together. */
        private @Nullable Connection next;

        Connection(PeerCredentials peer) {
            this.peer = peer;
            user = peer.uid();
        }

        @Override
        public void run() {
            try {
                handler.serve(channel, peer);
            } catch (Throwable e) {
                if (!cut)
                    log.warn("a connection to " + address + " from " + peer + " is dropped", e);
            } finally {
                end(this, channel);
            }
        }

        void interrupt() {
            if (thread != Thread.currentThread())
                thread.interrupt();
        }

        void close() {
            C begun = channel;
            if (begun != null)
                closeOnce(this, begun);
        }
    }

    /**
     * Waits for a pause, which the end of a connection cuts short, and then until there is room for another.
     *
     * @return false if no further one is to begin
     */
    boolean awaitRoom(int most, long pauseNanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            int before = open.size();
            for (long left = pauseNanos; left > 0 && !ending && open.size() >= before;)
                left = changed.awaitNanos(left);
            while (!ending && open.size() >= most)
                changed.await();
            return !ending;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins to serve a connection, or refuses it and closes it.
     *
     * @return what it could not be served for the lack of, or null
     */
    @Nullable
    Throwable begin(Fd socket, Predicate<PeerCredentials> allowed, int mostOfUid) {
        AutoCloseable mine = socket;
        try {
            PeerCredentials peer = Sockets.peerCredentials(socket);
            Connection connection = new Connection(peer);
            if (!allowed.test(peer)) {
                admission.notAllowed(peer);
            } else if (!add(connection, mostOfUid)) {
                admission.tooMany(peer);
            } else {
                mine = null;
                start(connection, socket);
            }
            return null;
        } catch (Throwable e) {
            log.warn("a connection to " + address + " is dropped", e);
            return e instanceof OutOfMemoryError ? e : null;
        } finally {
            if (mine != null)
                close(mine);
        }
    }

    private void start(Connection connection, Fd socket) {
        boolean started = false;
        try {
            admission.accepted(connection.peer);
            connection.channel = opener.apply(socket);
            connection.thread.start();
            started = true;
        } finally {
            if (!started)
                end(connection, connection.channel == null ? socket : connection.channel);
        }
        // It was not there to be cut when the others were.
        if (cut) {
            connection.interrupt();
            connection.close();
        }
    }

    int count() {
        lock.lock();
        try {
            return open.size();
        } finally {
            lock.unlock();
        }
    }

    private boolean add(Connection connection, int mostOfUid) {
        lock.lock();
        try {
            int[] count = ofUid.computeIfAbsent(connection.user, _ -> new int[1]);
            if (count[0] >= mostOfUid)
                return false;
            open.add(connection);
            count[0]++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void remove(Connection connection) {
        lock.lock();
        try {
            open.remove(connection);
            int[] count = ofUid.get(connection.user);
            if (count != null && --count[0] == 0)
                ofUid.remove(connection.user);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whatever its close throws, it counts no more. */
    private void end(Connection connection, AutoCloseable channel) {
        try {
            closeOnce(connection, channel);
        } finally {
            remove(connection);
        }
    }

    private void closeOnce(Connection connection, AutoCloseable channel) {
        if (connection.closing.compareAndSet(false, true))
            close(channel);
    }

    private void close(AutoCloseable connection) {
        try {
            connection.close();
        } catch (Throwable e) {
            log.warn("a connection to " + address + " is not closed", e);
        }
    }

    /** Lets no further connection begin; cuts those there are if asked to. No close that waits holds up more than those behind it. */
    void end(boolean cutting) {
        Connection first = null;
        lock.lock();
        try {
            ending = true;
            changed.signalAll();
            if (cutting && !cut) {
                cut = true;
                for (Connection each : open) {
                    each.next = first;
                    first = each;
                }
            }
        } finally {
            lock.unlock();
        }
        for (Connection each = first; each != null; each = each.next)
            each.interrupt();
        for (Connection each = first; each != null; each = each.next)
            each.close();
    }

    /** Waits until the last connection has ended; an interrupt cuts them, and is there afterwards. */
    void awaitEnd() {
        boolean interrupted = false;
        for (boolean over = false; !over;) {
            try {
                awaitNone();
                over = true;
            } catch (InterruptedException _) {
                interrupted = true;
                end(true);
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }

    private void awaitNone() throws InterruptedException {
        lock.lock();
        try {
            while (!open.isEmpty())
                changed.await();
        } finally {
            lock.unlock();
        }
    }
}
