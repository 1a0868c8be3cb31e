package org.imsg.examples.master;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.imsg.Imsg;
import org.imsg.examples.Connections;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;

/** Accepts the connections of every service with an address, and hands each to a process of it; it reads nothing from them. */
final class Listener implements Role {
    /** While all processes of a service are in use, further connections wait in the kernel. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final List<Service> services;

    Listener(List<Service> services) {
        this.services = services;
    }

    @Override
    public void start(RoleProcess self) throws IOException {
        for (Service service : services) {
            if (service.address().isEmpty())
                continue;
            InetSocketAddress address = service.address().get();
            Fd listener = self.privileged().listen(address, 128, true);
            Thread.ofPlatform().daemon().name(service.name()).start(() -> Connections.accept(listener,
                    text -> self.log().log(Level.WARNING, service.name() + ": " + text),
                    connection -> self.request(service.name(), Imsg.of(Smtpd.SERVE).withFd(connection), PATIENCE)));
        }
        self.log().log(Level.INFO, "listening");
    }
}
