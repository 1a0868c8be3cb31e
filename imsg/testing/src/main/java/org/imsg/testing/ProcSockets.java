package org.imsg.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The sockets of a process's network, as /proc/PID/net lists them. */
final class ProcSockets {
    private static final String STREAM = "0001";
    /** References to a stream whose other end is gone: one less than to one with another end. */
    private static final int ALONE = 2;
    private static final String LISTENING = "00010000";

    private ProcSockets() {}

    /** What each socket is, by what its descriptor's link says; "" for a stream without another end. */
    static Map<String, String> of(Path process) throws IOException {
        Map<String, String> sockets = new HashMap<>();
        for (String[] line : lines(process, "unix")) {
            boolean bound = !line[4].equals(STREAM) || line[3].equals(LISTENING);
            boolean alone = !bound && Integer.parseInt(line[1], 16) <= ALONE;
            String kind = line[4].equals(STREAM) ? bound ? "unix listening" : "unix stream" : "unix datagram";
            sockets.put(link(line[6]), alone ? "" : kind);
        }
        for (String kind : List.of("tcp", "udp"))
            for (String[] line : lines(process, kind))
                sockets.put(link(line[9]), kind + " " + address(line[1]));
        for (String[] line : lines(process, "packet"))
            sockets.put(link(line[8]), "packet");
        return sockets;
    }

    private static List<String[]> lines(Path process, String kind) throws IOException {
        Path list = process.resolve("net").resolve(kind);
        if (!Files.exists(list))
            return List.of();
        return Files.readAllLines(list).stream().skip(1).map(line -> line.strip().split("\\s+")).toList();
    }

    private static String link(String inode) {
        return "socket:[" + inode + "]";
    }

    /** Such as 0100007F:0202: the address as this machine has it, the port as a number. */
    private static String address(String text) {
        byte[] bytes = HexFormat.of().parseHex(text.substring(0, text.indexOf(':')));
        StringBuilder address = new StringBuilder();
        for (int i = bytes.length - 1; i >= 0; i--)
            address.append(bytes[i] & 0xFF).append(i > 0 ? "." : ":");
        return address.append(Integer.parseInt(text.substring(text.indexOf(':') + 1), 16)).toString();
    }
}
