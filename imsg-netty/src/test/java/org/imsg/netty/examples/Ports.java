package org.imsg.netty.examples;

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
    private final WebServer.Settings settings;

    Ports(WebServer.Settings settings) {
        this.settings = settings;
    }

    @Override
    public void start(ParentProcess self) {
        Monitor monitor = Monitor.of(Policy.of("bind tcp reuse *:" + settings.port()));
        self.on(WebServer.MONITOR, (child, _) -> {
            Fd.Pair ends = Fd.socketpair();
            ImsgChannel channel = ImsgChannel.of(ends.first());
            Thread.ofPlatform().daemon().name("monitor").start(() -> {
                try {
                    monitor.serve(channel, child.toString());
                } catch (IOException e) {
                    self.log().log(System.Logger.Level.ERROR, child + " is not served any more", e);
                }
            });
            child.send(Imsg.of(WebServer.MONITOR).withFd(ends.second()));
        });
    }
}
