package org.imsg.examples.syslog;

import static org.imsg.examples.syslog.SyslogdSettings.LOGS;

import java.io.IOException;
import org.imsg.Imsg;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Peer;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** The parent: opens the log files, and again after a HUP, and passes them on. */
final class LogFiles implements Parent {
    private static final int MODE = 0640;

    private final SyslogdSettings settings;

    LogFiles(SyslogdSettings settings) {
        this.settings = settings;
    }

    @Override
    public void start(ParentProcess self) {
        self.on(SyslogdSettings.LOG, (receiver, _) -> sendLogs(receiver));
        self.on(SyslogdSettings.OPENED, (receiver, opened) -> {
            String log = opened.getString(opened.length());
            // No other text of the receiver goes into a line of the parent.
            if (!LOGS.contains(log))
                throw new IOException(receiver + " has no such log");
            self.log().log(System.Logger.Level.INFO, "logging to " + settings.directory().resolve(log));
        });
    }

    /** After HUP: whoever moved the old files away finds new ones in their places. */
    @Override
    public void reload(ParentProcess self) throws IOException {
        for (Peer receiver : self.peers("receiver"))
            sendLogs(receiver);
    }

    private void sendLogs(Peer receiver) throws IOException {
        for (String log : LOGS)
            receiver.send(Imsg.of(SyslogdSettings.LOG, log).withFd(Fd.open(settings.directory().resolve(log), MODE,
                    OpenFlag.WRITE, OpenFlag.CREATE, OpenFlag.APPEND, OpenFlag.NOFOLLOW)));
    }
}
