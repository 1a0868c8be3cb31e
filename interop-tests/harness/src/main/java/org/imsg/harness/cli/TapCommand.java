package org.imsg.harness.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.tap.Tap;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "tap", mixinStandardHelpOptions = true, description = {
        "A transparent proxy: listens at one socket, passes everything to another, and shows it. Bytes and descriptors go on as they came.",
        "The daemon sees the credentials of this process; the client's are shown when it connects. A reset (ECONNRESET) arrives as an end.",
        "Ends with an interrupt (Ctrl-C)."}, footer = {
                "%nExample:%n",
                "  imsg tap /tmp/tap.sock /run/openbgpd/bgpd.sock.0 --record bgpd.pcapng --html bgpd.html &",
                "  bgpctl -s /tmp/tap.sock show"})
final class TapCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "LISTEN", description = "Where clients connect; gets the permission bits of TARGET.")
    private Path listen;

    @Parameters(index = "1", paramLabel = "TARGET", description = "The daemon's socket.")
    private Path target;

    @Mixin
    private Keeping keeping;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(listen);
        SocketPath.check(target);
        int limit = reading.limit();
        keeping.check(reading.description);
        reading.protocol(); // read before anything is looked at
        if (!Files.exists(target))
            throw new ErrnoException("connect", target, Constants.ENOENT);
        try (Progress progress = output.progress(0);
                RawListener listener = Tap.listen(listen, target);
                KeptEvents kept = keeping.open("tap of " + target, reading.protocol());
                Tap tap = Tap.start(listener, target, reading.format, limit,
                        output.witness(reading.protocol(), kept, progress, Progress::counted))) {
            progress.endWith(tap::close);
            output.endWithReader(tap::close);
            tap.join();
        }
        output.checkReader();
        return ExitCode.OK;
    }
}
