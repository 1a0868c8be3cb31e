package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** Binds a socket, which listens if it is of a stream. The child gets it blocking and close-on-exec. */
record BindSocket(SocketKind kind, String address, int port, boolean reuse, int backlog, int mode)
        implements
            Operation.Request {
    static final Operation<BindSocket, Rule> OPERATION = new Operation<>(Effect.CHANGE, 2, "bind", BindSocket::read,
            Rule::of, BindSocket::perform);

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public List<String> paths() {
        return kind.isUnix() ? List.of(address) : List.of();
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(kind.ordinal());
        Fields.addString(payload, address).addN16(port).addN8(reuse ? 1 : 0).addN32(backlog).addN32(mode);
    }

    private static BindSocket read(Fields fields) throws MalformedRequestException {
        return new BindSocket(fields.oneOf("kind", SocketKind.values()), fields.string("address"), fields.n16("port"),
                fields.truth("reuse"), fields.n32("backlog"), fields.n32("mode"));
    }

    @Override
    public String toString() {
        return "bind " + kind.word() + " " + MadeSocket.text(address, port);
    }

    /**
     * {@code bind tcp|udp [reuse] [backlog=N] ADDRESS:PORT} and
     * {@code bind unix|unix-datagram [reuse] [backlog=N] [mode=0600] [mounts] PATH}.
     */
    record Rule(SocketKind kind, Endpoint endpoint, boolean reuse, int backlog, int mode)
            implements
                Operation.Rule<BindSocket> {
        private static final String USUAL_BACKLOG = "128";
        private static final int USUAL_MODE = 0600;

        private static Rule of(PolicyLine line) {
            SocketKind kind = line.socketKind();
            line.options(kind.isUnix()
                    ? new String[]{"reuse", "backlog=", "mode=", "mounts"}
                    : new String[]{"reuse", "backlog="});
            String backlog = line.option("backlog=").orElse(USUAL_BACKLOG);
            if (!backlog.matches("[0-9]{1,6}"))
                throw new IllegalArgumentException("expected a number of connections for backlog, not " + backlog);
            return new Rule(kind, Endpoint.of(kind, line), line.has("reuse"), Integer.parseInt(backlog),
                    line.mode("mode=", USUAL_MODE));
        }

        @Override
        public Verdict verdict(BindSocket bind) {
            if (bind.kind != kind || !endpoint.covers(bind.address, bind.port))
                return Verdict.NOT_CONCERNED;
            if (bind.reuse && !reuse)
                return Verdict.objection("does not allow reuse");
            if (kind.isStream() && Integer.compareUnsigned(bind.backlog, backlog) > 0)
                return Verdict.objection("allows a backlog of " + backlog + ", not of "
                        + Integer.toUnsignedString(bind.backlog));
            if (kind.isUnix() && (bind.mode & ~mode) != 0)
                return Verdict.modeObjection(mode, bind.mode);
            return Verdict.ALLOWED;
        }
    }

    private static Answer perform(Permit<BindSocket, Rule> permit) throws IOException {
        BindSocket request = permit.request();
        return Answer.descriptor(request.kind.isUnix() ? unix(permit) : request.internet());
    }

    private Fd internet() throws IOException {
        InetAddress host = Endpoint.address(address);
        return MadeSocket.of(kind, MadeSocket.family(host), (socket, arena) -> {
            if (reuse)
                Sockets.intOption(socket, "SO_REUSEADDR", 1);
            // Else it depends on the machine's settings whether IPv4 arrives too.
            if (host instanceof Inet6Address)
                check("setsockopt", "IPV6_V6ONLY", Posix.setsockopt(socket.intValue(),
                        Abi.host().value("IPPROTO_IPV6"), Abi.host().value("IPV6_V6ONLY"),
                        arena.allocateFrom(JAVA_INT, 1).address(), 4));
            bindAndListen(socket, MadeSocket.address(arena, host, port));
        });
    }

    private static Fd unix(Permit<BindSocket, Rule> permit) throws IOException {
        BindSocket request = permit.request();
        Place place = permit.rule().endpoint.place(request.address);
        try (Fd directory = permit.parent(place)) {
            if (request.reuse)
                removeStale(directory, Name.of(place.name()));
            return MadeSocket.of(request.kind, Constants.AF_UNIX, (socket, arena) -> {
                // On Linux the mode of the socket itself becomes that of its file, before a peer can connect.
                check("fchmod", request.address, Posix.fchmod(socket.intValue(), request.mode & 0777));
                MemorySegment address = MadeSocket.throughDescriptor(directory.intValue(), "/" + place.name())
                        .toNative(arena);
                WithoutUmask.run(() -> request.bindAndListen(socket, address));
            });
        }
    }

    private static void removeStale(Fd directory, Name name) throws IOException {
        try {
            if (FileStatus.of(directory, name).isSocket())
                check("unlinkat", name, DirectoryEntries.unlink(directory, name, 0));
        } catch (ErrnoException e) {
            if (e.number() != Constants.ENOENT)
                throw e;
        }
    }

    private void bindAndListen(Fd socket, MemorySegment to) throws ErrnoException {
        check("bind", MadeSocket.text(address, port),
                Posix.bind(socket.intValue(), to.address(), (int) to.byteSize()));
        if (kind.isStream())
            check("listen", MadeSocket.text(address, port), Posix.listen(socket.intValue(), backlog));
    }
}
