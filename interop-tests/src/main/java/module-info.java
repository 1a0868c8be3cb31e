/**
 * The protocol test harness: real C programs to talk with, and what is needed to try an imsg daemon against them.
 */
module org.imsg.harness {
    requires transitive org.imsg;

    exports org.imsg.harness.debian;
    exports org.imsg.harness.peers;
    exports org.imsg.harness.peers.bgpd;
    exports org.imsg.harness.peers.ntpd;
    exports org.imsg.harness.peers.smtpd;
    exports org.imsg.harness.peers.table;
    exports org.imsg.harness.peers.tmux;
}
