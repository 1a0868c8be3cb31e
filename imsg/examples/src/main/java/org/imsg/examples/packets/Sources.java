package org.imsg.examples.packets;

import java.io.IOException;
import java.nio.file.Path;
import org.imsg.Imsg;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Peer;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** The parent: opens the source and the output, and looks up names; never reads a packet. */
final class Sources implements Parent {
    private static final int MODE = 0600;

    private final PacketReaderSettings settings;

    Sources(PacketReaderSettings settings) {
        this.settings = settings;
    }

    /** A source that cannot be opened ends the program, and leaves the output as it is. */
    @Override
    public void start(ParentProcess self) throws IOException {
        self.on(PacketReaderSettings.DONE, (_, _) -> self.stop());
        Imsg source = source();
        Peer reader = self.peer("reader");
        reader.send(Imsg.of(PacketReaderSettings.OUTPUT).withFd(Fd.open(settings.output(), MODE, OpenFlag.WRITE,
                OpenFlag.CREATE, OpenFlag.TRUNCATE, OpenFlag.NOFOLLOW)));
        reader.send(source);
        self.log().log(System.Logger.Level.INFO, "reading");
    }

    private Imsg source() throws IOException {
        return settings.source().equals(PacketReaderSettings.NETWORK)
                ? Imsg.of(PacketReaderSettings.LIVE).withFd(PacketSocket.open())
                : Imsg.of(PacketReaderSettings.CAPTURE).withFd(Fd.open(Path.of(settings.source())));
    }
}
