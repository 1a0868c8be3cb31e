import org.jspecify.annotations.NullMarked;

/**
 * The protocol test harness: scripted peers, recordings, a conformance suite and a fuzzer for daemons that speak imsg, as a
 * library and as the program {@code imsg}; and real C programs to talk with.
 */
@NullMarked
module org.imsg.harness {
    requires static org.jspecify;
    requires transitive org.imsg;
    requires org.imsg.peers;
    requires org.imsg.privsep;
    requires info.picocli;
    requires java.xml;
    requires static org.junit.jupiter.api;

    exports org.imsg.harness.debian;
    exports org.imsg.harness.describe;
    exports org.imsg.harness.fuzz;
    exports org.imsg.harness.junit;
    exports org.imsg.harness.page;
    exports org.imsg.harness.record;
    exports org.imsg.harness.scripted;
    exports org.imsg.harness.stream;
    exports org.imsg.harness.tap;
    exports org.imsg.harness.conformance;

    opens org.imsg.harness.cli to info.picocli;
}
