import org.jspecify.annotations.NullMarked;

/** Typed clients of daemons that speak imsg, and servers that the daemons' own control programs believe. */
@NullMarked
module org.imsg.peers {
    requires static org.jspecify;
    requires transitive org.imsg;

    exports org.imsg.peers;
    exports org.imsg.peers.bgpd;
    exports org.imsg.peers.ntpd;
    exports org.imsg.peers.smtpd;
    exports org.imsg.peers.table;
    exports org.imsg.peers.tmux;
}
