package org.imsg.unix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.testing.Call;

/** Opens, uses and closes descriptors, channels and children again and again; run by MemoryTest in a small JVM. */
final class UsedAndClosed {
    private static final int BETWEEN_CHILDREN = 1000;

    private UsedAndClosed() {}

    /** Prints how many KiB more are resident after the second of two equal rounds than after the first. */
    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        use(count);
        long before = resident();
        use(count);
        System.out.println(resident() - before);
    }

    private static void use(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            try (Fd.Pair pair = Fd.socketpair();
                    FdChannel first = new FdChannel(pair.first());
                    FdChannel second = new FdChannel(pair.second());
                    Fd _ = first.dup()) {
                Call.On kind = Call.On.values()[i % 2];
                Call<Integer> waiting = i % 100 < 2 ? Call.start(kind, () -> read(second)) : null;
                first.write(ByteBuffer.allocate(1000));
                if (waiting == null)
                    read(second);
                else
                    waiting.result();
            }
            if (i % BETWEEN_CHILDREN == 0)
                Child.of(Path.of("/bin/true")).start().waitFor();
        }
    }

    private static int read(FdChannel channel) throws IOException {
        return channel.read(ByteBuffer.allocate(1 << 16));
    }

    static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", ""))).findFirst().orElseThrow();
    }
}
