package org.imsg.privsep.ops;

import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.unix.OpenFlag;

/** What a child can ask for: the requests of the {@link Protocol}, as they are read and written. */
sealed interface Request {
    /** The type of its message. */
    int type();

    /** Adds its fields. */
    void addTo(Ibuf payload);

    /** The paths in it that rules are compared with. */
    default List<String> paths() {
        return List.of();
    }

    /** A request and the time it has; zero means as long as the monitor allows. */
    record Timed(Duration deadline, Request request) {}

    record Open(String path, Set<OpenFlag> flags, int mode) implements Request {
        private static final OpenFlag[] FLAGS = OpenFlag.values();

        @Override
        public List<String> paths() {
            return List.of(path);
        }

        @Override
        public int type() {
            return Protocol.OPEN;
        }

        @Override
        public void addTo(Ibuf payload) {
            int bits = 0;
            for (OpenFlag flag : flags)
                bits |= 1 << flag.ordinal();
            Fields.addString(payload, path).addN32(bits).addN32(mode);
        }

        static Open read(Fields fields) throws MalformedRequestException {
            String path = fields.string("path");
            int bits = fields.n32("flags");
            if (bits >>> FLAGS.length != 0)
                throw new MalformedRequestException("there are " + FLAGS.length + " flags, not 0x"
                        + Integer.toHexString(bits));
            Set<OpenFlag> flags = EnumSet.noneOf(OpenFlag.class);
            for (OpenFlag flag : FLAGS)
                if ((bits >> flag.ordinal() & 1) != 0)
                    flags.add(flag);
            if (Integer.bitCount(bits & 7) > 1)
                throw new MalformedRequestException("a file is opened READ, WRITE or READ_WRITE, not " + flags);
            return new Open(path, flags, fields.n32("mode"));
        }

        boolean reads() {
            return !flags.contains(OpenFlag.WRITE);
        }

        boolean writes() {
            return flags.contains(OpenFlag.WRITE) || flags.contains(OpenFlag.READ_WRITE) || truncates();
        }

        boolean appends() {
            return flags.contains(OpenFlag.APPEND);
        }

        boolean truncates() {
            return flags.contains(OpenFlag.TRUNCATE);
        }

        boolean creates() {
            return flags.contains(OpenFlag.CREATE) || flags.contains(OpenFlag.CREATE_NEW);
        }

        @Override
        public String toString() {
            return "open " + path + " " + flags;
        }
    }

    record Bind(SocketKind kind, String address, int port, boolean reuse, int backlog, int mode) implements Request {
        @Override
        public List<String> paths() {
            return kind.isUnix() ? List.of(address) : List.of();
        }

        @Override
        public int type() {
            return Protocol.BIND;
        }

        @Override
        public void addTo(Ibuf payload) {
            payload.addN8(kind.ordinal());
            Fields.addString(payload, address).addN16(port).addN8(reuse ? 1 : 0).addN32(backlog).addN32(mode);
        }

        static Bind read(Fields fields) throws MalformedRequestException {
            return new Bind(fields.oneOf("kind", SocketKind.values()), fields.string("address"), fields.n16("port"),
                    fields.truth("reuse"), fields.n32("backlog"), fields.n32("mode"));
        }

        @Override
        public String toString() {
            return "bind " + kind.word() + " " + address + (kind.isUnix() ? "" : " port " + port);
        }
    }

    record Connect(SocketKind kind, String address, int port) implements Request {
        @Override
        public List<String> paths() {
            return kind.isUnix() ? List.of(address) : List.of();
        }

        @Override
        public int type() {
            return Protocol.CONNECT;
        }

        @Override
        public void addTo(Ibuf payload) {
            payload.addN8(kind.ordinal());
            Fields.addString(payload, address).addN16(port);
        }

        static Connect read(Fields fields) throws MalformedRequestException {
            return new Connect(fields.oneOf("kind", SocketKind.values()), fields.string("address"),
                    fields.n16("port"));
        }

        @Override
        public String toString() {
            return "connect " + kind.word() + " " + address + (kind.isUnix() ? "" : " port " + port);
        }
    }

    record Run(String program, List<String> arguments, List<String> environment, String directory) implements Request {
        @Override
        public List<String> paths() {
            return directory.isEmpty() ? List.of() : List.of(directory);
        }

        @Override
        public int type() {
            return Protocol.RUN;
        }

        @Override
        public void addTo(Ibuf payload) {
            Fields.addString(payload, program);
            Fields.addList(payload, arguments);
            Fields.addList(payload, environment);
            Fields.addString(payload, directory);
        }

        static Run read(Fields fields) throws MalformedRequestException {
            Run run = new Run(fields.string("program"), fields.list("arguments"), fields.list("environment"),
                    fields.string("directory"));
            for (String variable : run.environment)
                if (variable.indexOf('=') < 1)
                    throw new MalformedRequestException("a variable is NAME=value, not " + variable);
            return run;
        }

        @Override
        public String toString() {
            return "run " + program + " " + arguments;
        }
    }

    record Kill(int signal) implements Request {
        @Override
        public int type() {
            return Protocol.KILL;
        }

        @Override
        public void addTo(Ibuf payload) {
            payload.addN32(signal);
        }

        static Kill read(Fields fields) throws MalformedRequestException {
            int signal = fields.n32("signal");
            if (signal < 1 || signal > 64)
                throw new MalformedRequestException("a signal is 1 to 64, not " + signal);
            return new Kill(signal);
        }
    }

    record Chown(String path, int uid, int gid) implements Request {
        @Override
        public List<String> paths() {
            return List.of(path);
        }

        @Override
        public int type() {
            return Protocol.CHOWN;
        }

        @Override
        public void addTo(Ibuf payload) {
            Fields.addString(payload, path).addN32(Integer.toUnsignedLong(uid)).addN32(Integer.toUnsignedLong(gid));
        }

        static Chown read(Fields fields) throws MalformedRequestException {
            return new Chown(fields.string("path"), fields.n32("uid"), fields.n32("gid"));
        }

        @Override
        public String toString() {
            return "chown " + path + " to " + Integer.toUnsignedString(uid) + ":" + Integer.toUnsignedString(gid);
        }
    }

    record Remove(String path) implements Request {
        @Override
        public List<String> paths() {
            return List.of(path);
        }

        @Override
        public int type() {
            return Protocol.REMOVE;
        }

        @Override
        public void addTo(Ibuf payload) {
            Fields.addString(payload, path);
        }

        static Remove read(Fields fields) throws MalformedRequestException {
            return new Remove(fields.string("path"));
        }

        @Override
        public String toString() {
            return "remove " + path;
        }
    }

    record Find(Lookup kind, String key, String second) implements Request {
        @Override
        public int type() {
            return Protocol.LOOKUP;
        }

        @Override
        public void addTo(Ibuf payload) {
            payload.addN8(kind.ordinal());
            Fields.addString(payload, key);
            Fields.addString(payload, second);
        }

        static Find read(Fields fields) throws MalformedRequestException {
            return new Find(fields.oneOf("kind", Lookup.values()), fields.string("key"), fields.string("second key"));
        }

        @Override
        public String toString() {
            return "look up " + kind + " " + key;
        }
    }

    record SetClock(boolean relative, long seconds, int nanoseconds) implements Request {
        private static final long MOST_SECONDS = 1L << 34;

        @Override
        public int type() {
            return Protocol.CLOCK;
        }

        @Override
        public void addTo(Ibuf payload) {
            payload.addN8(relative ? 1 : 0).addN64(seconds).addN32(nanoseconds);
        }

        static SetClock read(Fields fields) throws MalformedRequestException {
            SetClock clock = new SetClock(fields.truth("relative"), fields.n64("seconds"), fields.n32("nanoseconds"));
            if (clock.nanoseconds < 0 || clock.nanoseconds > 999_999_999)
                throw new MalformedRequestException("nanoseconds are 0 to 999999999, not " + clock.nanoseconds);
            // What Instant and Duration both can hold, with room to calculate.
            if (clock.seconds < -MOST_SECONDS || clock.seconds > MOST_SECONDS)
                throw new MalformedRequestException(clock.seconds + " seconds are more than any clock shows");
            return clock;
        }

        @Override
        public String toString() {
            return relative ? "adjust the clock by " + seconds + " s" : "set the clock to " + seconds + " s";
        }
    }

    static Ibuf payload(Duration deadline, Request request, int max) {
        Ibuf payload = Ibuf.dynamic(64, max);
        payload.addN8(Protocol.VERSION).addN32(Math.min(0xFFFF_FFFFL, deadline.toMillis()));
        request.addTo(payload);
        return payload;
    }

    static Timed read(Imsg message) throws MalformedRequestException {
        Fields fields = new Fields(Ibuf.fromBuffer(message.payload()));
        int version = fields.n8("version");
        if (version != Protocol.VERSION)
            throw new MalformedRequestException("the version is " + Protocol.VERSION + ", not " + version);
        Duration deadline = Duration.ofMillis(Integer.toUnsignedLong(fields.n32("deadline")));
        Request request = switch (message.type()) {
            case Protocol.OPEN -> Open.read(fields);
            case Protocol.BIND -> Bind.read(fields);
            case Protocol.CONNECT -> Connect.read(fields);
            case Protocol.RUN -> Run.read(fields);
            case Protocol.KILL -> Kill.read(fields);
            case Protocol.CHOWN -> Chown.read(fields);
            case Protocol.REMOVE -> Remove.read(fields);
            case Protocol.LOOKUP -> Find.read(fields);
            case Protocol.CLOCK -> SetClock.read(fields);
            default -> throw new MalformedRequestException("there is no request of type 0x"
                    + Integer.toHexString(message.type()));
        };
        fields.end();
        return new Timed(deadline, request);
    }
}
