package org.imsg.examples.clock;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.imsg.Imsg;
import org.imsg.privsep.Peer;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.RefusedException;
import org.imsg.privsep.ops.SocketKind;
import org.imsg.unix.FdChannel;

/** The child that asks time servers, when it starts, on every reload, and when a resolver that may have died with a question is back. */
final class ClockClient implements Role {
    private RoleProcess self;
    private FdChannel server;

    @Override
    public void start(RoleProcess process) {
        self = process;
        self.on("resolver", NtpClientSettings.RESOLVED, (_, addresses) -> ask(addresses.getString(addresses.length())));
    }

    @Override
    public void connected(RoleProcess process, Peer resolver) throws IOException {
        resolve();
    }

    @Override
    public void reload(RoleProcess process) throws IOException {
        resolve();
    }

    private void resolve() throws IOException {
        self.peer("resolver").send(Imsg.of(NtpClientSettings.RESOLVE, settings().server()));
    }

    private NtpClientSettings settings() {
        return NtpClientSettings.of(self.arguments());
    }

    /** A new socket for each question, so that no earlier server's answer counts. */
    private void ask(String addresses) throws IOException {
        Optional<InetAddress> address = addresses.lines().map(InetAddress::ofLiteral)
                .filter(Inet4Address.class::isInstance).findFirst();
        if (address.isEmpty()) {
            self.log().log(System.Logger.Level.WARNING, "there is no host " + settings().server());
            return;
        }
        if (server != null)
            server.close();
        FdChannel socket = new FdChannel(
                self.privileged().connect(SocketKind.UDP, new InetSocketAddress(address.get(), settings().port())));
        server = socket;
        Question question = Question.now();
        socket.write(question.packet());
        Thread.ofPlatform().daemon().name("answers").start(() -> awaitAnswer(socket, question));
    }

    private void awaitAnswer(FdChannel socket, Question question) {
        ByteBuffer answer = ByteBuffer.allocate(Question.LONGEST_ANSWER);
        try {
            Optional<Duration> offset = Optional.empty();
            while (offset.isEmpty()) {
                socket.read(answer.clear());
                offset = question.offset(answer.flip(), Instant.now());
            }
            self.privileged().adjustClock(offset.get());
            self.log().log(System.Logger.Level.INFO, "changed by " + offset.get());
        } catch (ClosedChannelException _) {
            // the next question has been asked
        } catch (RefusedException e) {
            self.log().log(System.Logger.Level.ERROR, "the server is not believed: " + e.getMessage());
        } catch (IOException e) {
            self.log().log(System.Logger.Level.ERROR, "no time from " + settings().server(), e);
        }
    }
}
