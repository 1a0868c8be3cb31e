package org.imsg.examples.master;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.imsg.Imsg;
import org.imsg.privsep.PeerGoneException;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleBusyException;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

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
            Thread.ofPlatform().daemon().name(service.name()).start(() -> accept(self, service.name(), listener));
        }
        self.log().log(Level.INFO, "listening");
    }

    private static void accept(RoleProcess self, String service, Fd listener) {
        try (listener) {
            for (;;) {
                try (Imsg request = Imsg.of(Smtpd.SERVE).withFd(Sockets.accept(listener))) {
                    self.request(service, request, PATIENCE);
                } catch (RoleBusyException | PeerGoneException e) {
                    self.log().log(Level.WARNING, "a connection is closed: " + e.getMessage());
                }
            }
        } catch (IOException | InterruptedException e) {
            self.log().log(Level.ERROR, "no more connections for " + service, e);
        }
    }
}
