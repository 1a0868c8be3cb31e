/**
 * The protocol test harness: scripted peers, recordings, a conformance suite and a fuzzer for daemons that speak imsg, as a
 * library and as the program {@code imsg}; real C programs to talk with, and typed clients and servers for them.
 */
module org.imsg.harness {
    requires transitive org.imsg;
    requires info.picocli;
    requires java.xml;
    requires static transitive org.junit.jupiter.api;

    exports org.imsg.harness.debian;
    exports org.imsg.harness.describe;
    exports org.imsg.harness.fuzz;
    exports org.imsg.harness.junit;
    exports org.imsg.harness.record;
    exports org.imsg.harness.scripted;
    exports org.imsg.harness.stream;
    exports org.imsg.harness.tap;
    exports org.imsg.harness.conformance;
    exports org.imsg.harness.peers;
    exports org.imsg.harness.peers.bgpd;
    exports org.imsg.harness.peers.ntpd;
    exports org.imsg.harness.peers.smtpd;
    exports org.imsg.harness.peers.table;
    exports org.imsg.harness.peers.tmux;

    opens org.imsg.harness.cli to info.picocli;
}
