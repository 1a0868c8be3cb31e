package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.StreamDecoder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how messages are read. */
final class Reading {
    private static final int MODERN_LIMIT = 1 << 24;

    @Option(names = "--format", defaultValue = "AUTO", description = "Wire format: ${COMPLETION-CANDIDATES}; AUTO reads both and writes MODERN.")
    WireFormat format;

    @Option(names = "--limit", paramLabel = "BYTES", converter = Numbers.MessageLength.class, description = "Longest message with its header; unless given 65535, 16777216 with --format MODERN; conformance probes for it.")
    @Nullable
    Integer limit;

    @Option(names = "--describe", paramLabel = "FILE", description = "Struct description file: names of types and fields (imsg help structs).")
    @Nullable
    Path description;

    private @Nullable ProtocolDescription protocol;

    /**
     * The longest message.
     *
     * @throws IllegalArgumentException if the format's header cannot say so much
     */
    int limit() {
        if (limit != null)
            return limit(format, limit);
        return format == WireFormat.MODERN ? MODERN_LIMIT : StreamDecoder.USUAL_LIMIT;
    }

    static int limit(WireFormat format, int limit) {
        if (limit > StreamDecoder.USUAL_LIMIT && format != WireFormat.MODERN)
            throw new IllegalArgumentException("--limit: at most " + StreamDecoder.USUAL_LIMIT + " with --format "
                    + format + ", not " + limit + "; longer messages need --format MODERN");
        return limit;
    }

    /** The file itself, if it is no directory: the complaint of a read would not name it. */
    static Path file(Path file) throws FileSystemException {
        if (Files.isDirectory(file))
            throw new FileSystemException(file.toString(), null, "is a directory");
        return file;
    }

    /** The type that an option names. */
    int type(String option, String text) throws IOException {
        try {
            return protocol().type(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(option + ": " + e.getMessage()
                    + (description == null ? "; for names give --describe FILE" : ""), e);
        }
    }

    ProtocolDescription protocol() throws IOException {
        if (protocol == null)
            protocol = description == null ? ProtocolDescription.NONE : ProtocolDescription.read(file(description));
        return protocol;
    }
}
