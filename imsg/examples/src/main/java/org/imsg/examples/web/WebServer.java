package org.imsg.examples.web;

import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;

/**
 * A web server on a port that takes root to bind. Requests are seen only by a child whose root directory is
 * the site, whose user runs nothing else, and that can read files there and talk TCP. It serves with Netty on the socket it is passed.
 */
public final class WebServer {
    private WebServer() {}

    /** Arguments: port, directory of the site, uid of the child. */
    public static void main(String... arguments) throws Exception {
        WebServerSettings settings = WebServerSettings.of(Usage.of(WebServer.class, "PORT SITE UID", arguments));
        System.exit(Privsep.program("webserver")
                // @start region="role"
                .role("web", WebRole::new, r -> r.user(Ids.of(settings.uid(), settings.uid())).chroot(settings.site())
                        .pledge(Promise.INET, Promise.RPATH).policy(Policy.of("bind tcp reuse *:" + settings.port())))
                // @end
                .requireConfinement().run(arguments));
    }
}
