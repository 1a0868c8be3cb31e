package org.imsg.privsep;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What Linux shows of a process in /proc; nothing elsewhere. */
final class ChildFigures {
    private static final List<String> NAMESPACES = List.of("ipc", "mnt", "net", "pid", "user", "uts");

    private ChildFigures() {}

    /** The figures by the names of {@link ControlProtocol}; fewer if the process has ended. */
    static Map<String, String> of(int pid) {
        Map<String, String> figures = new LinkedHashMap<>();
        Path process = Path.of("/proc", Integer.toString(pid));
        try {
            Map<String, String> status = status(process);
            figures.put("uid", status.get("Uid").split("\\s+")[1]);
            figures.put("gid", status.get("Gid").split("\\s+")[1]);
            figures.put("threads", status.get("Threads"));
            figures.put("memory", status.get("VmRSS").replace(" kB", ""));
            figures.put("filter", status.get("Seccomp").equals("2") ? "yes" : "no");
            figures.put("no-new-privs", status.get("NoNewPrivs").equals("1") ? "yes" : "no");
            figures.put("capabilities", status.get("CapEff").matches("0+") ? "none" : status.get("CapEff"));
            figures.put("namespaces", namespaces(process));
            figures.put("descriptors", Integer.toString(descriptors(process)));
        } catch (IOException | RuntimeException _) {
            // It has ended, or this process may not look.
        }
        return figures;
    }

    /** The name of its main thread is the process's own choice: any bytes but a line's end. */
    private static Map<String, String> status(Path process) throws IOException {
        Map<String, String> status = new LinkedHashMap<>();
        for (String line : Files.readString(process.resolve("status"), StandardCharsets.ISO_8859_1).split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0)
                status.put(line.substring(0, colon), line.substring(colon + 1).strip());
        }
        return status;
    }

    private static String namespaces(Path process) throws IOException {
        List<String> own = new ArrayList<>();
        for (String each : NAMESPACES)
            if (!Files.readSymbolicLink(process.resolve("ns").resolve(each))
                    .equals(Files.readSymbolicLink(Path.of("/proc/self/ns", each))))
                own.add(each);
        return own.isEmpty() ? "none" : String.join(",", own);
    }

    private static int descriptors(Path process) throws IOException {
        int count = 0;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path _ : all)
                count++;
        }
        return count;
    }
}
