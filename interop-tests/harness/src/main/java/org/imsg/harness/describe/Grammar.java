package org.imsg.harness.describe;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The languages of the harness, each written down once. */
public enum Grammar {
    /** Steps and rules of {@code imsg talk} and {@code imsg listen}. */
    SCRIPT,
    /** Struct descriptions, for {@code --describe}. */
    STRUCTS,
    /** The output of {@code --json}. */
    JSON;

    /** {@return the description, for people: lines of 100 characters at most} */
    public String text() {
        String file = this + ".txt";
        try (InputStream in = Grammar.class.getResourceAsStream(file)) {
            if (in == null)
                throw new IllegalStateException(file + " is missing in the program's jar");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the name in small letters, as on the command line} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
