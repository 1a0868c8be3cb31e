package org.imsg.harness.stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Fd;

/**
 * Bytes of a stream that belong together: if there are descriptors, they came with the first of them.
 *
 * @param bytes 1 or more
 * @param descriptors in the order they were sent; the holder of the chunk closes them
 * @param lost whether the kernel could not deliver all of them (MSG_CTRUNC)
 */
public record Chunk(byte[] bytes, List<Fd> descriptors, boolean lost) implements AutoCloseable {
    /** Stands for descriptors that the kernel did not deliver. */
    public static final String LOST = "lost";

    /**
     * What the descriptors are, in words: the file behind each, {@code lost} for what the kernel did not deliver.
     *
     * @return as many words as descriptors, and one more if some were lost
     */
    public List<String> descriptorNames() {
        List<String> names = new ArrayList<>();
        for (Fd descriptor : descriptors)
            names.add(nameOf(descriptor));
        if (lost)
            names.add(LOST);
        return names;
    }

    /**
     * What a descriptor is, in words, as Linux tells in /proc: {@code /etc/hosts}, {@code socket:[4711]}.
     *
     * @param descriptor an open descriptor
     * @return the words; {@code descriptor} where the system does not tell
     */
    public static String nameOf(Fd descriptor) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd", String.valueOf(descriptor.intValue()))).toString();
        } catch (IOException | UnsupportedOperationException _) {
            return "descriptor";
        }
    }

    /** Closes the descriptors that were not taken. */
    @Override
    public void close() {
        descriptors.forEach(Fd::close);
    }
}
