package org.imsg.privsep.ops;

import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Posix;
import org.imsg.sys.Readiness;
import org.imsg.unix.Errno;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** Connects a socket. The child gets it blocking and close-on-exec. */
record ConnectSocket(SocketKind kind, String address, int port) implements Operation.Request {
    static final Operation<ConnectSocket, Rule> OPERATION = new Operation<>(Effect.NONE, 3, "connect",
            fields -> new ConnectSocket(fields.oneOf("kind", SocketKind.values()), fields.string("address"),
                    fields.n16("port")),
            Rule::of, ConnectSocket::perform);

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
        Fields.addString(payload, address).addN16(port);
    }

    @Override
    public String toString() {
        return "connect " + kind.word() + " " + MadeSocket.text(address, port);
    }

    /** {@code connect tcp|udp ADDRESS:PORT} and {@code connect unix|unix-datagram [mounts] PATH}. */
    record Rule(SocketKind kind, Endpoint endpoint) implements Operation.Rule<ConnectSocket> {
        private static Rule of(PolicyLine line) {
            SocketKind kind = line.socketKind();
            if (kind.isUnix())
                line.options("mounts");
            return new Rule(kind, Endpoint.of(kind, line));
        }

        @Override
        public Verdict verdict(ConnectSocket connect) {
            return connect.kind == kind && endpoint.covers(connect.address, connect.port)
                    ? Verdict.ALLOWED
                    : Verdict.NOT_CONCERNED;
        }
    }

    private static Answer perform(Permit<ConnectSocket, Rule> permit) throws IOException {
        ConnectSocket request = permit.request();
        if (!request.kind.isUnix()) {
            InetAddress host = Endpoint.address(request.address);
            return Answer.descriptor(MadeSocket.of(request.kind, MadeSocket.family(host), (socket, arena) -> request
                    .connect(socket, MadeSocket.address(arena, host, request.port), permit.deadline())));
        }
        try (Fd file = permit.open(permit.rule().endpoint.place(request.address), Abi.host().value("O_PATH", 0),
                0)) {
            if (!FileStatus.of(file, request.address).isSocket())
                throw permit.refusal("not a socket");
            return Answer.descriptor(MadeSocket.of(request.kind, Constants.AF_UNIX, (socket, arena) -> request.connect(
                    socket, MadeSocket.throughDescriptor(file.intValue(), "").toNative(arena), permit.deadline())));
        }
    }

    private void connect(Fd socket, MemorySegment to, long deadline) throws IOException {
        int flags = Posix.fcntl(socket.intValue(), Constants.F_GETFL, 0);
        Posix.fcntl(socket.intValue(), Constants.F_SETFL, flags | Constants.O_NONBLOCK);
        int result = Posix.connect(socket.intValue(), to.address(), (int) to.byteSize());
        if (result == -Errno.number("EINPROGRESS")) {
            if (!OpenDescriptor.of(socket).await(Readiness.WRITABLE, deadline))
                throw new SocketTimeoutException("no connection to " + MadeSocket.text(address, port));
            result = -Sockets.intOption(socket, "SO_ERROR");
        }
        check("connect", MadeSocket.text(address, port), result);
        Posix.fcntl(socket.intValue(), Constants.F_SETFL, flags);
    }
}
