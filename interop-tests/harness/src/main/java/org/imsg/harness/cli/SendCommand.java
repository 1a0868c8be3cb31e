package org.imsg.harness.cli;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.imsg.harness.describe.Words;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "send", mixinStandardHelpOptions = true, description = "Sends one message and shows the answers.", footer = {
        "%nExample:%n", "  imsg send /run/ntpd.sock --type 10",
        "  imsg send bgpd.sock --describe bgpd.structs --type SHOW_NEIGHBOR --end END \\",
        "      --struct ctl_neighbor descr=upstream show_timers=1"})
final class SendCommand implements Callable<Integer> {
    @Parameters(paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--type", required = true, description = "The type: a number, or a name from the description.")
    private String type;

    @Option(names = "--id", defaultValue = "0", converter = Numbers.Unsigned.class, description = "The peerid (default: ${DEFAULT-VALUE}).")
    private int id;

    @Option(names = "--pid", defaultValue = "0", converter = Numbers.Unsigned.class, description = "The pid; 0 is this process's own (default: ${DEFAULT-VALUE}).")
    private int pid;

    @ArgGroup
    private @Nullable Payload payload;

    private static final class Payload {
        @Option(names = "--data", paramLabel = "TEXT", description = "The payload as text.")
        @Nullable
        String data;

        @Option(names = "--hex", paramLabel = "HEX", converter = Numbers.Hex.class, description = "The payload in hexadecimal.")
        @Nullable
        String hex;

        @Option(names = "--struct", arity = "1..*", paramLabel = "NAME FIELD=VALUE", description = "The payload as a struct of the description; fields not named are zero. A value may be in double quotes with escapes (imsg help structs).")
        List<String> struct = List.of();
    }

    @Option(names = "--fd", paramLabel = "FILE", description = "Opens a file and passes the descriptor; FILE:w to write, FILE:rw for both.")
    private @Nullable String fd;

    @Option(names = "--end", paramLabel = "TYPE", split = ",", description = "Types that end the answers.")
    private List<String> ends = List.of();

    @Option(names = "--wait", defaultValue = "1s", paramLabel = "TIME", description = "How long to wait for each answer, and for a daemon that does not read (default: ${DEFAULT-VALUE}).")
    private Duration wait;

    @Mixin
    private Keeping keeping;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        int limit = reading.limit();
        keeping.check(reading.description);
        int number = reading.type("--type", type);
        byte[] bytes = payload();
        List<Integer> endTypes = new ArrayList<>();
        for (String end : ends)
            endTypes.add(reading.type("--end", end));
        try (Fd passed = fd == null ? null : open(fd);
                RawSocket connected = RawSocket.connect(socket);
                KeptEvents kept = keeping.open("send to " + socket, reading.protocol());
                Conversation daemon = new Conversation(connected, Direction.TO_SERVER, reading.format, limit,
                        output.witness(reading.protocol(), kept))) {
            int ownPid = (int) ProcessHandle.current().pid();
            Fd[] descriptors = passed == null ? new Fd[0] : new Fd[]{passed};
            output.endWithReader(connected::close);
            daemon.patience(wait);
            daemon.send(number, id, pid == 0 ? ownPid : pid, bytes, descriptors);
            return answers(daemon, endTypes);
        } finally {
            output.checkReader();
        }
    }

    private int answers(Conversation daemon, List<Integer> endTypes) throws IOException {
        for (int count = 0;; count++) {
            try (Conversation.Received answer = daemon.receive(wait)) {
                Event event = answer.event();
                if (event.kind() == Event.Kind.BYTES)
                    throw new ProtocolFault("the answer is no message: " + event.note());
                if (event.kind() == Event.Kind.END)
                    return count == 0 || !endTypes.isEmpty() ? ExitCode.DIFFERENT : ExitCode.OK;
                if (endTypes.contains(event.type()))
                    return ExitCode.OK;
            } catch (SocketTimeoutException _) {
                return count == 0 || !endTypes.isEmpty() ? ExitCode.DIFFERENT : ExitCode.OK;
            }
        }
    }

    private byte[] payload() throws IOException {
        if (payload == null)
            return new byte[0];
        if (payload.data != null)
            return payload.data.getBytes(StandardCharsets.UTF_8);
        if (payload.hex != null)
            return HexFormat.of().parseHex(payload.hex);
        try {
            Map<String, String> values = new LinkedHashMap<>();
            for (String word : payload.struct.subList(1, payload.struct.size())) {
                Map.Entry<String, String> field = Words.option(word);
                values.put(field.getKey().replaceFirst("^struct\\.", ""), field.getValue());
            }
            return reading.protocol().struct(payload.struct.getFirst()).encode(values);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--struct: " + e.getMessage(), e);
        }
    }

    static Fd open(String file) throws IOException {
        if (file.endsWith(":rw"))
            return Fd.open(Path.of(file.substring(0, file.length() - 3)), OpenFlag.READ_WRITE);
        if (file.endsWith(":w"))
            return Fd.open(Path.of(file.substring(0, file.length() - 2)), OpenFlag.WRITE, OpenFlag.CREATE);
        return Fd.open(Path.of(file), OpenFlag.READ);
    }
}
