package org.imsg;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.sys.OpenDescriptor;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/** What a program sees that has no room for another descriptor; run by FullDescriptorTableTest in a JVM with few. */
final class FullDescriptorTable {
    private static final Path NULL = Path.of("/dev/null");
    private static final UnixAddress ADDRESS = UnixAddress.ofAbstract("imsg-full-" + ProcessHandle.current().pid());

    private FullDescriptorTable() {}

    public static void main(String[] arguments) throws Exception {
        // A full table is no place to load classes from a directory: everything runs once before, unheard. Whether anybody
        // waits then is chance.
        OpenDescriptor.prepareWaiting();
        var out = System.out;
        System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));
        run(arguments[0], false);
        System.out.println(new ErrnoException("warm-up", 24));
        System.setOut(out);
        int before = open();
        run(arguments[0], true);
        System.out.println("left open " + (open() - before));
    }

    private static int open() {
        return Path.of("/proc/self/fd").toFile().list().length;
    }

    private static void run(String what, boolean full) throws Exception {
        switch (what) {
            case "receive" -> receive(full);
            case "serve" -> serve(full);
            default -> accept(full);
        }
    }

    private static void receive(boolean full) throws IOException {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel from = pair.first().format(WireFormat.MODERN).allowFdPassing();
            ImsgChannel to = pair.second().allowFdPassing();
            for (int type = 1; type <= 4; type++)
                from.send(type == 3 ? Imsg.of(type) : Imsg.of(type).withFd(Fd.open(NULL)));
            List<Fd> table = fillTable(full);
            report(to).close();
            table.removeLast().close();
            try (Imsg second = report(to)) {
                report(to).close();
                report(to).close();
                System.out.println("second still " + second.descriptor());
            }
            table.forEach(Fd::close);
        }
    }

    private static Imsg report(ImsgChannel channel) throws IOException {
        Imsg message = channel.receive();
        System.out.println("type " + message.type() + " " + message.descriptor());
        return message;
    }

    private static List<Fd> fillTable(boolean full) throws IOException {
        List<Fd> table = new ArrayList<>();
        try {
            do
                table.add(Fd.open(NULL));
            while (full);
        } catch (ErrnoException e) {
            System.out.println("open " + e.name());
        }
        return table;
    }

    private static void accept(boolean full) throws Exception {
        try (CapturedLog _ = new CapturedLog(UnixListener.class);
                var listener = ImsgListener.at(ADDRESS).listen();
                var client = ImsgChannel.connect(ADDRESS, Duration.ofSeconds(10))) {
            List<Fd> table = fillTable(full);
            if (full)
                acceptInVain(listener);
            Call<ImsgChannel> accepting = Call.start(Call.On.VIRTUAL, listener::accept);
            if (full)
                accepting.awaitWaiting();
            table.removeLast().close();
            try (var server = accepting.result()) {
                client.send(Imsg.of(5));
                System.out.println("accepted, type " + server.receive().type());
            }
            table.forEach(Fd::close);
        }
    }

    private static void acceptInVain(ImsgListener listener) throws IOException {
        try {
            listener.accept(Duration.ofMillis(50));
        } catch (ErrnoException e) {
            System.out.println(e.call() + " " + e.name() + ", listener open " + listener.isOpen());
        }
    }

    private static void serve(boolean full) throws Exception {
        try (CapturedLog log = new CapturedLog(UnixListener.class)) {
            ImsgListener listener = ImsgListener.at(ADDRESS).listen();
            System.getLogger(UnixListener.class.getName()).log(System.Logger.Level.WARNING, "warm-up");
            Call<Void> serving = Call.start(Call.On.VIRTUAL, () -> {
                listener.serve((channel, _) -> {
                    for (Imsg request; (request = channel.receive()) != null;)
                        channel.send(request);
                });
                return null;
            });
            try (var first = ImsgChannel.connect(ADDRESS, Duration.ofSeconds(10))) {
                System.out.println("first served " + served(first));
                List<Fd> table = fillTable(full);
                table.removeLast().close();
                try (var second = ImsgChannel.connect(ADDRESS, Duration.ofSeconds(10))) {
                    if (full)
                        Call.until(() -> log.lines().size() > 1);
                    for (int i = 0; i < 3; i++)
                        System.out.println("while full, first served " + served(first) + ", serving ended "
                                + serving.isDone());
                    table.forEach(Fd::close);
                    System.out.println("free again, second served " + served(second));
                }
            }
            listener.close();
            serving.result();
            log.lines().forEach(System.out::println);
        }
    }

    private static boolean served(ImsgChannel client) throws IOException {
        client.send(Imsg.of(5));
        return client.receive().type() == 5;
    }
}
