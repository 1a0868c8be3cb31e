package org.imsg.privsep;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.imsg.privsep.rights.SystemdStart;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * What a program that systemd has started tells it, as sd_notify(3) describes, and the descriptors it was passed. Does nothing
 * in another program. A failure to tell it is logged once.
 */
final class UnderSystemd implements AutoCloseable {
    private static final int MANY = 50;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final System.Logger log;
    private final @Nullable SystemdStart start;
    private final long nanosBetween;
    private long nextSign;
    private volatile boolean stops;
    private String told = "";
    private volatile boolean silent;

    private UnderSystemd(System.Logger log, @Nullable SystemdStart start, long nanosBetween) {
        this.log = log;
        this.start = start;
        this.nanosBetween = nanosBetween;
    }

    /** Takes what is there for this process; the descriptors only if a role is to have some of them. */
    static UnderSystemd take(System.Logger log, Map<String, String> environment, boolean descriptors)
            throws IOException {
        Map<String, String> mine = new HashMap<>(environment);
        String pid = Long.toString(ProcessHandle.current().pid());
        if (!descriptors)
            mine.remove("LISTEN_PID");
        if (!mine.containsKey("NOTIFY_SOCKET") && !mine.containsKey("LISTEN_PID"))
            return new UnderSystemd(log, null, 0);
        String watchdog = mine.getOrDefault("WATCHDOG_USEC", "");
        boolean watched = mine.getOrDefault("WATCHDOG_PID", pid).equals(pid) && watchdog.matches("[1-9][0-9]{0,14}");
        // Twice as often as it has to be, as sd_watchdog_enabled(3) advises.
        long between = watched ? TimeUnit.MICROSECONDS.toNanos(Long.parseLong(watchdog)) / 2 : 0;
        return new UnderSystemd(log, SystemdStart.take(mine, Long.parseLong(pid)), between);
    }

    private void tell(String state) {
        tell(state, 1);
    }

    /** Tries some times, with pauses, while systemd does not read: what it waits for must not be lost. */
    private void tell(String state, int tries) {
        try {
            for (int i = 1; start != null; i++)
                try {
                    start.report(state);
                    return;
                } catch (ErrnoException e) {
                    if (!e.name().equals("EAGAIN") || i == tries)
                        throw e;
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
        } catch (IOException e) {
            if (!silent)
                log.log(Level.WARNING, "systemd is not told what happens: " + Printable.line(e));
            silent = true;
        }
    }

    void ready() {
        if (!stops)
            tell("READY=1", MANY);
    }

    /** Before a reload; {@link #ready()} follows. */
    void reloading() {
        tell("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()), MANY);
    }

    /** Once, however often it is called. */
    void stopping() {
        if (!stops)
            tell("STOPPING=1", MANY);
        stops = true;
    }

    /** What systemctl(1) shows beside the name of the service. */
    void status(Supplier<String> summary) {
        if (start == null)
            return;
        String text = summary.get();
        if (text.equals(told))
            return;
        told = text;
        tell("STATUS=" + text);
    }

    /** When to call {@link #tick(long)} at the latest. */
    long nextDeadline() {
        return nanosBetween == 0 ? Long.MAX_VALUE : nextSign;
    }

    /** Gives a sign of life, if it is time: by the thread whose life it is. */
    void tick(long now) {
        if (nanosBetween == 0 || now < nextSign)
            return;
        nextSign = now + nanosBetween;
        tell("WATCHDOG=1");
    }

    /** The descriptors with these names, in their order. */
    Map<Fd, String> descriptors(List<String> names) {
        Map<Fd, String> found = new LinkedHashMap<>();
        if (start != null)
            start.descriptors().stream().filter(each -> names.contains(each.name()))
                    .forEach(each -> found.put(each.fd(), each.name()));
        return found;
    }

    @Override
    public void close() {
        if (start != null)
            start.close();
    }
}
