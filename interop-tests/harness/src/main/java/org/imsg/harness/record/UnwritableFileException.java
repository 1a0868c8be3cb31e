package org.imsg.harness.record;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file that is to keep something cannot be written. */
public final class UnwritableFileException extends IOException {
    private static final long serialVersionUID = 1;

    /**
     * Names the file and says why.
     *
     * @param kind what the file is, such as recording
     * @param file the file
     * @param cause what happened
     */
    public UnwritableFileException(String kind, Path file, IOException cause) {
        super("the " + kind + " " + file + " cannot be written: " + why(cause), cause);
    }

    private static String why(IOException cause) {
        return switch (cause) {
            case NoSuchFileException _ -> "there is no such directory";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException system when system.getReason() != null -> system.getReason();
            default -> String.valueOf(cause.getMessage());
        };
    }
}
