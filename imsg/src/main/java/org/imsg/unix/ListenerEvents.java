package org.imsg.unix;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * The flight recorder's events of listeners. To be touched only after a look at {@link org.imsg.sys.Recorder#started()}. An event
 * that cannot be made is not recorded, and what it tells of goes on.
 */
final class ListenerEvents {
    private ListenerEvents() {}

    @Category("imsg")
    @Enabled(false)
    @StackTrace(false)
    private abstract static class OfConnection extends Event {
        @Label("Address")
        String address;
        @Label("User Id")
        long uid;
        @Label("Process Id")
        int pid;

        /** Makes it that of a connection, and returns whether it is recorded. */
        boolean isRecorded(UnixAddress listener, PeerCredentials peer) {
            if (!isEnabled())
                return false;
            address = listener.toString();
            uid = peer.uid();
            pid = peer.pid();
            return true;
        }
    }

    @Name("imsg.ConnectionAccepted")
    @Label("Connection Accepted")
    @Description("A listener has accepted a peer")
    private static final class ConnectionAccepted extends OfConnection {}

    @Name("imsg.ConnectionRefused")
    @Label("Connection Refused")
    @Description("A listener has closed the connection of a peer at once")
    private static final class ConnectionRefused extends OfConnection {
        @Label("Reason")
        private String reason;
    }

    static void accepted(UnixAddress listener, PeerCredentials peer) {
        try {
            ConnectionAccepted event = new ConnectionAccepted();
            if (event.isRecorded(listener, peer))
                event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void refused(UnixAddress listener, PeerCredentials peer, String why) {
        try {
            ConnectionRefused event = new ConnectionRefused();
            event.reason = why;
            if (event.isRecorded(listener, peer))
                event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }
}
