package org.imsg.examples.clock;

import java.time.Duration;
import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.SystemClock;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;

/**
 * Sets the clock by a time server. The child that reads what servers send can neither look up a name, nor make a socket, nor set
 * a clock: it asks the resolver, who may use the network and read the resolver's files, and the parent, which believes no server
 * further than an hour.
 */
public final class NtpClient {
    private static final Duration MOST = Duration.ofHours(1);

    private NtpClient() {}

    /**
     * Arguments: "set" to set the machine's clock, "record" to say what it would be set to; the server's name and port; the uids
     * of client and resolver.
     */
    public static void main(String... arguments) throws Exception {
        NtpClientSettings settings = NtpClientSettings
                .of(Usage.of(NtpClient.class, "MODE SERVER PORT UID RESOLVER-UID", arguments));
        System.exit(Privsep.program("ntpclient")
                // @start region="roles"
                .role("ntp", ClockClient::new,
                        r -> r.user(Ids.of(settings.uid(), settings.uid())).pledge().connect("resolver")
                                .policy(policy(settings), monitor -> monitor.clock(clock(settings))))
                .role("resolver", Resolver::new, r -> r.user(Ids.of(settings.resolverUid(), settings.resolverUid()))
                        .unveil("/etc/hosts", Access.READ).pledge(Promise.DNS, Promise.RPATH).restart())
                // @end
                .requireConfinement().run(arguments));
    }

    private static Policy policy(NtpClientSettings settings) {
        return Policy.of("connect udp *:" + settings.port(), "clock within=" + MOST.toSeconds());
    }

    private static SystemClock clock(NtpClientSettings settings) {
        return settings.sets()
                ? SystemClock.host()
                : SystemClock.recording(time -> System.getLogger("ntpclient").log(System.Logger.Level.INFO,
                        "the clock would be set to " + time));
    }
}
