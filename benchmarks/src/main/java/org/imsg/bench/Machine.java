package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/**
 * Where figures come from, without which they mean nothing.
 *
 * @param processor its model
 * @param processors how many this program may use
 * @param memoryMib the machine's memory
 * @param system kernel and distribution
 * @param jvm the Java virtual machine of the workers
 * @param jvmFlags what it is started with
 * @param load the load average before the pass: over 0.5 or so, figures are not worth keeping
 * @param sockets buffer sizes, the kernel's own for every contender
 * @param pinning which processors are used, and whether they may sleep
 */
public record Machine(String processor, int processors, long memoryMib, String system, String jvm, String jvmFlags,
        String load, String sockets, String pinning) {

    static Machine here(Pinning pinning, Awake awake) throws IOException {
        return new Machine(value("/proc/cpuinfo", "model name"), Runtime.getRuntime().availableProcessors(),
                Long.parseLong(value("/proc/meminfo", "MemTotal").replaceAll("\\D", "")) / 1024,
                "Linux " + System.getProperty("os.version") + " " + System.getProperty("os.arch") + ", "
                        + value("/etc/os-release", "PRETTY_NAME").replace("\"", ""),
                System.getProperty("java.vendor") + " " + System.getProperty("java.runtime.version"),
                String.join(" ", Jvm.FLAGS), Files.readString(Path.of("/proc/loadavg")).split(" ")[0], socketBuffers(),
                pinning + ", " + awake);
    }

    /** The value behind the first line that begins with the name. */
    private static String value(String file, String name) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(file));
        return lines.stream().filter(line -> line.startsWith(name)).findFirst()
                .map(line -> line.replaceFirst("^[^:=]*[:=]", "").strip()).orElse("unknown");
    }

    private static String socketBuffers() throws IOException {
        try (Fd.Pair pair = Fd.socketpair()) {
            return "SO_SNDBUF " + Sockets.intOption(pair.first(), "SO_SNDBUF") + ", SO_RCVBUF "
                    + Sockets.intOption(pair.first(), "SO_RCVBUF");
        }
    }

    @Override
    public String toString() {
        return processors + " x " + processor + ", " + memoryMib + " MiB; " + system + "; " + jvm + " (" + jvmFlags
                + "); " + sockets + "; " + pinning + "; load average " + load;
    }
}
