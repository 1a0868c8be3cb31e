package org.imsg.examples.web;

import java.io.IOException;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.ops.Policy;
import org.imsg.unix.Fd;

/** The parent: lets the child have the one port, and nothing else. */
final class Ports implements Parent {
    private final WebServerSettings settings;

    Ports(WebServerSettings settings) {
        this.settings = settings;
    }

    @Override
    public void start(ParentProcess self) {
        Monitor monitor = Monitor.of(Policy.of("bind tcp reuse *:" + settings.port()));
        self.on(WebServerSettings.MONITOR, (child, _) -> {
            try (Fd.Pair ends = Fd.socketpair()) {
                serve(self, ImsgChannel.of(ends.first()), child.toString(), monitor);
                child.send(Imsg.of(WebServerSettings.MONITOR).withFd(ends.second()));
            }
        });
    }

    private static void serve(ParentProcess self, ImsgChannel channel, String name, Monitor monitor) {
        Thread.ofPlatform().daemon().name("monitor-" + name).start(() -> {
            try {
                monitor.serve(channel, name);
            } catch (IOException e) {
                self.log().log(System.Logger.Level.ERROR, name + " is not served any more", e);
            }
        });
    }
}
