package org.imsg.netty.handler;

import io.netty.channel.Channel;
import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * The flight recorder's event of requests. To be touched only after a look at {@link org.imsg.sys.Recorder#started()}. An event
 * that cannot be made is not recorded, and what it tells of goes on.
 */
final class RequestEvents {
    private RequestEvents() {}

    @Name("imsg.netty.RequestTimeout")
    @Label("Request Timeout")
    @Description("The reply to a request, or the end of its replies, did not come in time")
    @Category({"imsg", "netty"})
    @Enabled(false)
    @StackTrace(false)
    private static final class RequestTimeout extends Event {
        @Label("Channel")
        @Description("As Netty names it in a log")
        private String channel;
        @Label("Id")
        private long id;
        @Label("Timeout")
        @Timespan(Timespan.MILLISECONDS)
        private long timeout;
    }

    static void timedOut(Channel channel, int id, Duration timeout) {
        try {
            RequestTimeout event = new RequestTimeout();
            if (!event.isEnabled())
                return;
            event.channel = channel.id().asShortText();
            event.id = Integer.toUnsignedLong(id);
            event.timeout = timeout.toMillis();
            event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }
}
