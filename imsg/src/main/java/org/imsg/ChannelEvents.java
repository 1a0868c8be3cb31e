package org.imsg;

import java.io.IOException;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Throttle;
import org.imsg.sys.Memory;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The flight recorder's events of channels. To be touched only after a look at {@link org.imsg.sys.Recorder#started()}. An event
 * that cannot be made, for want of memory, stack or its class, is not recorded, and what it tells of goes on.
 */
final class ChannelEvents {
    private ChannelEvents() {}

    @Category("imsg")
    @Enabled(false)
    @StackTrace(false)
    abstract static class OfChannel extends Event {
        @Label("Socket")
        @Description("The number of the channel's descriptor")
        int socket;
    }

    @Category("imsg")
    @Enabled(false)
    @StackTrace(false)
    @Throttle
    abstract static class OfMessage extends OfChannel {
        @Label("Type")
        long type;
        @Label("Id")
        long id;
        @Label("Size")
        @Description("With the header")
        @DataAmount
        int size;
        @Label("Descriptor")
        @Description("Whether a descriptor goes with the message")
        boolean descriptor;
    }

    @Name("imsg.MessageSent")
    @Label("Message Sent")
    @Description("A message is in the socket whole. The duration is that of its flush, write or send until then")
    static final class MessageSent extends OfMessage implements Cloneable {
        private static final MessageSent ANY = new MessageSent();

        /** Records the message with a header there: by a copy, for the recorder samples an object once. */
        void sent(long header, Dialect dialect) {
            try {
                MessageSent event = clone();
                event.type = Integer.toUnsignedLong(ImsgHeader.type(Memory.ALL, header));
                event.id = Integer.toUnsignedLong(ImsgHeader.peerid(Memory.ALL, header));
                event.size = ImsgHeader.length(Memory.ALL, header, dialect);
                event.descriptor = ImsgHeader.marked(Memory.ALL, header, dialect);
                event.commit();
            } catch (Throwable _) {
                // not recorded
            }
        }

        @Override
        protected MessageSent clone() {
            try {
                return (MessageSent) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Name("imsg.MessageReceived")
    @Label("Message Received")
    @Description("A message was handed out. The duration is that of its handler, if it has one")
    private static final class MessageReceived extends OfMessage {
        private static final MessageReceived ANY = new MessageReceived();
    }

    @Name("imsg.WaitForRoom")
    @Label("Wait for Room")
    @Description("A flush or send waited for the peer to read")
    static final class WaitForRoom extends OfChannel {
        @Label("Queued")
        @Description("The bytes that were queued when the wait began")
        @DataAmount
        private int queued;
        @Label("Got Room")
        @Description("False if the deadline passed, or the channel was closed")
        private boolean gotRoom;

        void over(boolean withRoom) {
            try {
                gotRoom = withRoom;
                commit();
            } catch (Throwable _) {
                // not recorded
            }
        }
    }

    @Name("imsg.QueueFull")
    @Label("Queue Full")
    @Description("A message was refused for the bound of the send queue")
    private static final class QueueFull extends OfChannel {
        @Label("Size")
        @Description("That of the message, with the header")
        @DataAmount
        private int size;
        @Label("Queued")
        @DataAmount
        private int queued;
        @Label("Bound")
        @DataAmount
        private int bound;
    }

    @Name("imsg.DescriptorLost")
    @Label("Descriptor Lost")
    @Description("A message came without the descriptor that its header announces")
    private static final class DescriptorLost extends OfChannel {
        @Label("Type")
        private long type;
        @Label("Id")
        private long id;
        @Label("Reason")
        @Description("LOST if the kernel could not deliver it, MISSING if none was sent")
        private String reason;
    }

    @Name("imsg.DescriptorsClosed")
    @Label("Descriptors Closed")
    @Description("Descriptors came that belong to no message, and were closed")
    private static final class DescriptorsClosed extends OfChannel {
        @Label("Count")
        private long count;
    }

    /** Begins the event of each message that is sent from now on; null if none is recorded. */
    static @Nullable MessageSent sending(int socket) {
        try {
            if (!MessageSent.ANY.isEnabled())
                return null;
            MessageSent event = new MessageSent();
            event.socket = socket;
            event.begin();
            return event;
        } catch (Throwable _) {
            return null;
        }
    }

    /** Returns a handler that is recorded, or the same if none is. */
    static ImsgHandler recorded(int socket, ImsgHandler handler) {
        try {
            return MessageReceived.ANY.isEnabled() ? message -> record(socket, message, handler) : handler;
        } catch (Throwable _) {
            return handler;
        }
    }

    private static void record(int socket, ImsgView message, ImsgHandler handler) throws IOException {
        MessageReceived event = received(socket, message);
        try {
            handler.message(message);
        } finally {
            commit(event);
        }
    }

    /** Records a message that has no handler. */
    static void taken(int socket, ImsgView message) {
        commit(received(socket, message));
    }

    private static @Nullable MessageReceived received(int socket, ImsgView message) {
        try {
            if (!MessageReceived.ANY.isEnabled())
                return null;
            MessageReceived event = new MessageReceived();
            event.socket = socket;
            event.type = Integer.toUnsignedLong(message.type());
            event.id = Integer.toUnsignedLong(message.id());
            event.size = ImsgHeader.SIZE + message.length();
            event.descriptor = message.hasFd();
            event.begin();
            return event;
        } catch (Throwable _) {
            return null;
        }
    }

    private static void commit(@Nullable MessageReceived event) {
        try {
            if (event != null)
                event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }

    static @Nullable WaitForRoom waiting(int socket, int queued) {
        try {
            WaitForRoom event = new WaitForRoom();
            event.socket = socket;
            event.queued = queued;
            event.begin();
            return event;
        } catch (Throwable _) {
            return null;
        }
    }

    static void queueFull(int socket, int size, int queued, int bound) {
        try {
            QueueFull event = new QueueFull();
            event.socket = socket;
            event.size = size;
            event.queued = queued;
            event.bound = bound;
            event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void descriptorLost(int socket, ImsgView message) {
        try {
            DescriptorLost event = new DescriptorLost();
            event.socket = socket;
            event.type = Integer.toUnsignedLong(message.type());
            event.id = Integer.toUnsignedLong(message.id());
            event.reason = message.descriptor().name();
            event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void descriptorsClosed(int socket, long count) {
        try {
            DescriptorsClosed event = new DescriptorsClosed();
            event.socket = socket;
            event.count = count;
            event.commit();
        } catch (Throwable _) {
            // not recorded
        }
    }
}
