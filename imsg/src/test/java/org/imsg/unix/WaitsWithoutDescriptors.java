package org.imsg.unix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.testing.Call;

/** The first waits of a process that has no room for another descriptor; run by WaitingTest in a JVM with few. */
final class WaitsWithoutDescriptors {
    private WaitsWithoutDescriptors() {}

    public static void main(String[] arguments) throws Exception {
        try (Fd.Pair pair = Fd.socketpair(); FdChannel writer = new FdChannel(pair.second())) {
            FdChannel reader = new FdChannel(pair.first());
            loadClasses();
            long before = UsedAndClosed.resident();
            List<Fd> table = fillTable();
            System.out.println("virtual: " + read(Call.On.VIRTUAL, reader));
            Call.start(Call.On.VIRTUAL, () -> {
                for (int i = 0; i < 10_000; i++)
                    read(reader);
                return null;
            }).result();
            Call<Object> waiting = Call.start(Call.On.PLATFORM, () -> read(reader));
            awaitWaiting(waiting);
            writer.write(ByteBuffer.allocate(1));
            System.out.println("platform: " + waiting.result());
            table.forEach(Fd::close);
            System.out.println("grown by 16 MiB: " + (UsedAndClosed.resident() - before > 16 << 10));
            writer.write(ByteBuffer.allocate(1));
            System.out.println("virtual, with descriptors again: " + read(Call.On.VIRTUAL, reader));
            List<Fd> again = fillTable();
            Call<Object> closed = Call.start(Call.On.PLATFORM, () -> read(reader));
            awaitWaiting(closed);
            reader.close();
            System.out.println("closed: " + closed.result());
            again.forEach(Fd::close);
        }
    }

    private static Object read(Call.On kind, FdChannel channel) throws Exception {
        return Call.start(kind, () -> read(channel)).result();
    }

    private static Object read(FdChannel channel) {
        try {
            return channel.read(ByteBuffer.allocate(1));
        } catch (ErrnoException e) {
            return e.name();
        } catch (IOException e) {
            return e.getClass().getSimpleName();
        }
    }

    private static void awaitWaiting(Call<?> call) {
        Call.until(() -> Stream.of(call.thread().getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("pollForMoment"))
                || call.thread().getState() == Thread.State.WAITING);
    }

    /** A full table is no place to load classes from a directory. */
    private static void loadClasses() throws Exception {
        for (Class<?> one : List.of(Fd.class, org.imsg.sys.OpenDescriptor.class)) {
            Path root = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
            try (Stream<Path> files = Files.list(root.resolve(one.getPackageName().replace('.', '/')))) {
                for (Path file : files.toList())
                    if (file.toString().endsWith(".class"))
                        Class.forName(one.getPackageName() + "."
                                + file.getFileName().toString().replace(".class", ""), false,
                                one.getClassLoader());
            }
        }
        for (Call.On kind : Call.On.values())
            Call.start(kind, () -> null).result();
        Call.until(() -> true);
        System.out.println(new ErrnoException("warm-up", 24).name());
    }

    private static List<Fd> fillTable() throws IOException {
        List<Fd> table = new ArrayList<>();
        try (Fd spare = Fd.open(Path.of("/dev/null"))) {
            for (;;)
                table.add(spare.dup());
        } catch (ErrnoException e) {
            table.add(Fd.open(Path.of("/dev/null")));
            return table;
        }
    }
}
