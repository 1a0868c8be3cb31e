package org.imsg.examples.web;

import java.nio.file.Path;
import java.util.List;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;

/**
 * A web server on a port that takes root to bind. Requests are seen only by a child whose root directory is
 * the site, whose user runs nothing else, and that can read files there and talk TCP. It serves with Netty on the socket it is passed.
 */
public final class WebServer {
    /** From the child: wants to listen. To the child: a channel to the monitor. */
    static final int MONITOR = 1;

    /** What the program is told: in the parent and in the child alike. */
    record Settings(int port, Path site, long uid) {
        static Settings of(List<String> arguments) {
            return new Settings(Integer.parseInt(arguments.get(0)), Path.of(arguments.get(1)),
                    Long.parseLong(arguments.get(2)));
        }
    }

    private WebServer() {}

    /** Arguments: port, directory of the site, uid of the child. */
    public static void main(String... arguments) throws Exception {
        Settings settings = Settings.of(List.of(arguments));
        System.exit(Privsep.program("webserver")
                // @start region="role"
                .role("web", WebRole::new, r -> r.user(Ids.of(settings.uid, settings.uid)).chroot(settings.site)
                        .pledge(Promise.INET, Promise.RPATH))
                // @end
                .parent(() -> new Ports(settings)).requireConfinement().run(arguments));
    }
}
