package org.imsg.harness.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.Neighbor;
import org.imsg.peers.bgpd.Prefix;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.bgpd.Route;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "bgp", description = {"Asks OpenBGPD's bgpd what bgpctl asks it.",
        "Versions 7.7, 8.8 and 9.3, or a package's such as 8.8-1.",
        "Exit code 1 if bgpd refuses, leaves, or is silent for ten seconds."}, footer = {"%nExample:%n",
                "  imsg bgp /run/openbgpd/bgpd.sock.0 --version 8.8 neighbors",
                "  imsg bgp /run/openbgpd/bgpd.sock.0 --version 8.8 announce 192.0.2.0/24 2001:db8::/32"})
final class BgpCommand extends DaemonCommand {
    private static final class Actions extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        Actions() {
            super(List.of("neighbors", "rib", "memory", "reload", "verbose", "announce", "withdraw"));
        }
    }

    @Parameters(index = "1", paramLabel = "ACTION", completionCandidates = Actions.class, description = {
            "neighbors: the neighbors and their sessions",
            "rib [PREFIX]: the routes, or those to one network",
            "memory: how many prefixes bgpd holds, each counted in every table it is in",
            "reload: bgpd reads its configuration again",
            "verbose LEVEL: bgpd logs more: 0 brief, 1 verbose, 2 more",
            "announce PREFIX...: networks become bgpd's own; it does not answer",
            "withdraw PREFIX...: and no longer; it does not answer"})
    private String action;

    @Parameters(index = "2..*", arity = "0..*", paramLabel = "ARGUMENT", description = "What the action takes.")
    private List<String> arguments = List.of();

    private interface Question {
        void ask(BgpdClient bgpd) throws IOException;
    }

    @Override
    DaemonRequest request() {
        BgpdVersion known = BgpdVersion.of(version);
        Question question = question();
        return () -> {
            try (BgpdClient bgpd = BgpdClient.connect(socket, known)) {
                question.ask(bgpd);
            }
            return ExitCode.OK;
        };
    }

    private Question question() {
        switch (action) {
            case "verbose" -> expect(action, arguments, 1, 1);
            case "announce", "withdraw" -> expect(action, arguments, 1, Integer.MAX_VALUE);
            default -> expect(action, arguments, 0, action.equals("rib") ? 1 : 0);
        }
        return switch (action) {
            case "neighbors" -> this::neighbors;
            case "rib" -> rib(arguments.isEmpty() ? RibQuery.ALL : RibQuery.to(Prefix.of(arguments.getFirst())));
            case "memory" -> bgpd -> rows("prefixes").add(bgpd.prefixes());
            case "reload" -> BgpdClient::reload;
            case "verbose" -> verbose(arguments.getFirst());
            case "announce" -> announce(arguments.stream().map(Prefix::of).toList());
            case "withdraw" -> withdraw(arguments.stream().map(Prefix::of).toList());
            default -> throw unknown(action, new Actions());
        };
    }

    private void neighbors(BgpdClient bgpd) throws IOException {
        List<Neighbor> neighbors = bgpd.neighbors();
        Rows rows = rows("address        ", "description     ", "as        ", "external", "state       ", "received  ",
                "sent");
        for (Neighbor neighbor : neighbors)
            rows.add(neighbor.address().getHostAddress(), neighbor.description(), neighbor.remoteAs(),
                    neighbor.external(), neighbor.state(), neighbor.prefixesReceived(), neighbor.prefixesSent());
    }

    private Question rib(RibQuery query) {
        return bgpd -> {
            Rows rows = rows("prefix            ", "neighbor       ", "description     ", "best ", "origin", "path");
            bgpd.routes(query, route -> rows.add(route.prefix(), from(route),
                    route.description(), route.best(), route.origin(), route.path()));
        };
    }

    /** The source of a route; bgpd has its own networks from no peer. */
    private static String from(Route route) {
        return route.neighbor() == null ? "" : route.neighbor().getHostAddress();
    }

    private static Question verbose(String level) {
        int verbosity = Integer.parseInt(level);
        return bgpd -> bgpd.logVerbose(verbosity);
    }

    private static Question announce(List<Prefix> networks) {
        return bgpd -> bgpd.announce(networks);
    }

    private static Question withdraw(List<Prefix> networks) {
        return bgpd -> bgpd.withdraw(networks);
    }
}
