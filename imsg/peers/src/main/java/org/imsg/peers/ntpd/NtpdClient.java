package org.imsg.peers.ntpd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.Answers;
import org.imsg.peers.StructMapping;
import org.imsg.unix.UnixAddress;

/**
 * Asks an ntpd what ntpctl(8) asks it. Not safe for use by several threads at once.
 *
 * {@snippet file="org/imsg/peers/ntpd/NtpdTest.java" region="client"}
 *
 * <p>Every method throws {@link java.net.SocketTimeoutException} if ntpd is silent for ten seconds, and {@link EOFException}
 * if it leaves before its answer; the connection is closed then, as after any other failure.
 */
public final class NtpdClient implements AutoCloseable {
    private final ImsgChannel channel;
    private final Answers<NtpdVersion> answers;

    private NtpdClient(ImsgChannel channel, NtpdVersion version) {
        this.channel = channel;
        this.answers = new Answers<>("ntpd", channel, version, List.of(NtpdVersion.values()));
    }

    /**
     * Connects to an ntpd.
     *
     * @param socket its control socket
     * @param version what it is, which it does not tell
     * @return the client, which the caller closes
     * @throws IOException if no daemon listens there
     */
    public static NtpdClient connect(Path socket, NtpdVersion version) throws IOException {
        return new NtpdClient(version.prepare(ImsgChannel.connect(UnixAddress.of(socket), Answers.PATIENCE)), version);
    }

    /**
     * What ntpd thinks of the time.
     *
     * @return its status
     * @throws IOException if ntpd fails
     */
    public NtpStatus status() throws IOException {
        return answers.ask(Imsg.of(NtpdVersion.STATUS), () -> answers.read(answers.receive(),
                (version, answer) -> version.status.getData(Answers.ofType(answer, NtpdVersion.STATUS))));
    }

    /**
     * The servers it asks.
     *
     * @return each; empty if there are none
     * @throws IOException if ntpd fails
     */
    public List<NtpPeer> peers() throws IOException {
        return answers.ask(Imsg.of(NtpdVersion.PEERS),
                () -> list(NtpdVersion.PEERS, NtpdVersion.PEERS_END, NtpdStructs.PEER));
    }

    /**
     * The sensors it reads.
     *
     * @return each; empty if there are none
     * @throws IOException if ntpd fails
     */
    public List<NtpSensor> sensors() throws IOException {
        return answers.ask(Imsg.of(NtpdVersion.SENSORS),
                () -> list(NtpdVersion.SENSORS, NtpdVersion.SENSORS_END, NtpdStructs.SENSOR));
    }

    /** One a message, and then how many there were. */
    private <M> List<M> list(int type, int end, StructMapping<M> form) throws IOException {
        List<M> list = new ArrayList<>();
        Imsg message;
        while ((message = answers.receive()).type() == type)
            list.add(answers.read(message, (_, answer) -> form.getData(answer)));
        if (message.type() != end)
            throw new IOException("ntpd sent a message of type " + Integer.toUnsignedString(message.type())
                    + " in a list that " + end + " ends");
        int count = answers.read(message, (_, last) -> last.getData(NtpdStructs.COUNT).count());
        if (count != list.size())
            throw new IOException("ntpd sent " + list.size() + " and says there are " + count);
        return list;
    }

    /** Leaves. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
