package org.imsg.privsep;

import java.nio.charset.StandardCharsets;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.TruncatedMessageException;
import org.imsg.unix.Fd;

/** The framework's own messages, between the parent and a child; the user's have lower types. */
final class Protocol {
    static final int VERSION = 1;

    /** The first type of the framework's own messages. */
    static final int FIRST = 0xFFFF_0000;
    /** Child to parent: confined, and waiting to be started. Payload: the version. */
    static final int READY = FIRST + 1;
    /** Child to parent: a log record. Payload: level, length and bytes of the logger's name and of the text. */
    static final int LOG = FIRST + 2;
    /** Parent to child: an end of a channel to another child. Payload: instance, name of the role; with a descriptor. */
    static final int CONNECT = FIRST + 3;
    /** Parent to child: all children are ready. */
    static final int START = FIRST + 4;
    /** Parent to child: read the configuration again. */
    static final int RELOAD = FIRST + 5;
    /** Parent to child, before {@link #START}: the channel to the monitor of its policy, as a descriptor. */
    static final int OPERATIONS = FIRST + 6;

    /** Parent to child on demand: a request to serve. Payload: its type and bytes; its id is the header's; with its descriptor. */
    static final int REQUEST = FIRST + 7;
    /** Parent to child on demand: a request to rehearse, as {@link #REQUEST}. */
    static final int REHEARSE = FIRST + 8;
    /** Child on demand to parent: what it was given last is served. No payload. */
    static final int DONE = FIRST + 9;
    /** Child to parent: a request for another role. The header's id is the question's number. Payload: as {@link Question}. */
    static final int ASK = FIRST + 10;
    /** Parent to child: a process has the request of that number. Payload: its instance. */
    static final int GIVEN = FIRST + 11;
    /** Parent to child: no process has the request of that number. Payload: why. */
    static final int REFUSED = FIRST + 12;
    /** Parent to child, before {@link #START}: something that systemd has passed the parent. Payload: its name; with a descriptor. */
    static final int PASSED = FIRST + 13;
    /** Child to parent: the descriptor of {@link #CONNECT} did not arrive. Payload as there. */
    static final int LOST = FIRST + 14;

    private static final int LONGEST_NAME = 128;
    private static final int LONGEST_TEXT = 12_000;

    private Protocol() {}

    static boolean isReserved(int type) {
        return Integer.compareUnsigned(type, FIRST) >= 0;
    }

    static Imsg ready() {
        return Imsg.of(READY, 0, 0, Ibuf.open(4).addH32(VERSION));
    }

    static void checkReady(Imsg ready) throws ViolationException {
        long version = ready.length() == 4 ? ready.getIbuf().getH32() : -1;
        if (version != VERSION)
            throw new ViolationException("speaks version " + version + " of the framework's messages, this is version "
                    + VERSION + ": was the program replaced while it ran?");
    }

    /** Another process, as a channel to it is announced, and as the loss of that channel is told. */
    record Introduction(String role, int instance) {
        static Introduction of(Imsg message) throws ViolationException {
            try {
                Ibuf payload = message.getIbuf();
                int instance = (int) payload.getH32();
                return new Introduction(payload.getString(payload.size()), instance);
            } catch (TruncatedMessageException e) {
                throw new ViolationException("a name that is cut short: " + e.getMessage());
            }
        }

        Imsg connect(Fd end) {
            return message(CONNECT).withFd(end);
        }

        Imsg lost() {
            return message(LOST);
        }

        private Imsg message(int type) {
            byte[] name = role.getBytes(StandardCharsets.UTF_8);
            return Imsg.of(type, 0, 0, Ibuf.open(4 + name.length).addH32(instance).add(name));
        }
    }

    /** What a request may carry, in bytes. */
    static final int LONGEST_REQUEST = ImsgChannel.MAX_IMSGSIZE - ImsgChannel.HEADER_SIZE - 14 - 64;

    /** Takes the descriptor of the request. */
    static Imsg request(int type, Imsg request) {
        byte[] bytes = request.payload();
        Imsg wrapped = Imsg.of(type, request.id(), 0, Ibuf.open(4 + bytes.length).addH32(request.type()).add(bytes));
        return request.hasFd() ? wrapped.withFd(request.takeFd()) : wrapped;
    }

    /** A request as it was given, with its descriptor. */
    static Imsg unwrap(Imsg wrapped) {
        Ibuf payload = wrapped.getIbuf();
        int type = (int) payload.getH32();
        Imsg request = Imsg.of(type, wrapped.id(), 0, payload.get(payload.size()));
        return wrapped.hasFd() ? request.withFd(wrapped.takeFd()) : request;
    }

    /** Takes the descriptor of the request. */
    static Imsg ask(int number, String role, long patienceMillis, Imsg request) {
        byte[] name = role.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = request.payload();
        Imsg question = Imsg.of(ASK, number, 0,
                Ibuf.open(14 + name.length + bytes.length).addH32(patienceMillis).addH32(request.type())
                        .addH32(request.id()).addH16(name.length).add(name).add(bytes));
        return request.hasFd() ? question.withFd(request.takeFd()) : question;
    }

    /** A request of a child for another role, which may have anything in it. The message has the descriptor. */
    record Question(int number, String role, long patienceMillis, Imsg request) {
        static Question of(Imsg ask) throws ViolationException {
            try {
                Ibuf payload = ask.getIbuf();
                long patience = payload.getH32();
                int type = (int) payload.getH32();
                int id = (int) payload.getH32();
                String role = payload.getString(payload.getH16());
                Imsg request = Imsg.of(type, id, 0, payload.get(payload.size()));
                return new Question(ask.id(), role, patience, ask.hasFd() ? request.withFd(ask.takeFd()) : request);
            } catch (TruncatedMessageException e) {
                throw new ViolationException("a request that is cut short: " + e.getMessage());
            }
        }
    }

    static Imsg log(System.Logger.Level level, String logger, String text) {
        byte[] name = cut(logger, LONGEST_NAME);
        byte[] bytes = cut(text, LONGEST_TEXT);
        return Imsg.of(LOG, 0, 0, Ibuf.open(6 + name.length + bytes.length).addH16(level.ordinal())
                .addH16(name.length).addH16(bytes.length).add(name).add(bytes));
    }

    /** A log record as it came from a child, which may have written anything into it. */
    record Record(System.Logger.Level level, String logger, String text) {
        static Record of(Imsg log) throws ViolationException {
            try {
                Ibuf payload = log.getIbuf();
                int level = payload.getH16();
                int name = payload.getH16();
                int text = payload.getH16();
                System.Logger.Level[] levels = System.Logger.Level.values();
                if (level >= levels.length)
                    throw new ViolationException("a log record of level " + level + ": 0 to " + (levels.length - 1));
                return new Record(levels[level], payload.getString(name), payload.getString(text));
            } catch (TruncatedMessageException e) {
                throw new ViolationException("a log record that is cut short: " + e.getMessage());
            }
        }
    }

    private static byte[] cut(String text, int most) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= most)
            return bytes;
        String mark = "... (" + bytes.length + " bytes)";
        return (new String(bytes, 0, most - mark.length(), StandardCharsets.UTF_8) + mark)
                .getBytes(StandardCharsets.UTF_8);
    }
}
