package org.imsg.examples.syslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.imsg.Imsg;
import org.imsg.privsep.Peer;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.Privileged;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The child: takes messages in from two sockets, and writes what it makes of them into files it could not open. */
final class SyslogReceiver implements Role {
    private static final int LONGEST = 8192;
    private static final int SOCKET_MODE = 0666;

    private final Map<String, FdChannel> logs = new ConcurrentHashMap<>();
    /** Files whose last line has no end. */
    private final Set<FdChannel> cut = ConcurrentHashMap.newKeySet();
    private boolean listening;

    @Override
    public void start(RoleProcess self) throws IOException {
        self.on(Peer.PARENT, SyslogdSettings.LOG, (_, log) -> {
            open(log.getString(log.length()), log.takeFd());
            self.parent().send(Imsg.of(SyslogdSettings.OPENED, log.payload()));
            if (!listening && logs.size() == SyslogdSettings.LOGS.size())
                listen(self);
        });
        self.parent().send(Imsg.of(SyslogdSettings.LOG));
    }

    private void open(String log, Fd file) throws IOException {
        FdChannel before = logs.put(log, new FdChannel(file));
        if (before != null) {
            before.close();
            cut.remove(before);
        }
    }

    /** The channel to the monitor is closed when the sockets are there: nothing else is ever asked of it. */
    private void listen(RoleProcess self) throws IOException {
        listening = true;
        SyslogdSettings settings = SyslogdSettings.of(self.arguments());
        try (Privileged privileged = self.privileged()) {
            receive(self, "unix", privileged.bind(settings.socket(), SOCKET_MODE, true));
            receive(self, "udp", privileged.bind(settings.address(), false));
        }
        self.log().log(System.Logger.Level.INFO, "listening");
    }

    private void receive(RoleProcess self, String source, Fd socket) {
        FdChannel datagrams = new FdChannel(socket);
        Thread.ofPlatform().daemon().name(source).start(() -> {
            ByteBuffer buffer = ByteBuffer.allocate(LONGEST);
            while (datagrams.isOpen()) {
                try {
                    // One datagram a read; an empty one looks like an end, and is none.
                    datagrams.read(buffer.clear());
                    log(SyslogMessage.parse(buffer.flip()));
                } catch (IOException e) {
                    self.log().log(System.Logger.Level.ERROR, "a message of " + source + " is lost", e);
                }
            }
        });
    }

    private void log(SyslogMessage message) throws IOException {
        if (message.text().isEmpty())
            return;
        String line = message.line(Instant.now());
        write(SyslogdSettings.EVERYTHING, line);
        if (message.isLogin())
            write(SyslogdSettings.LOGINS, line);
    }

    /** The file may be replaced at the very moment: then the new one is meant. */
    private void write(String log, String line) throws IOException {
        for (;;) {
            FdChannel file = logs.get(log);
            try {
                write(file, line);
                return;
            } catch (ClosedChannelException e) {
                if (logs.get(log) == file)
                    throw e;
            }
        }
    }

    /** A line for which the disk had not enough room is ended before the next one, which has a line of its own. */
    private synchronized void write(FdChannel file, String line) throws IOException {
        ByteBuffer text = ByteBuffer.wrap((cut.contains(file) ? "\n" + line : line).getBytes(UTF_8));
        try {
            file.write(text);
            cut.remove(file);
        } catch (IOException e) {
            if (text.position() > 0)
                cut.add(file);
            throw e;
        }
    }
}
