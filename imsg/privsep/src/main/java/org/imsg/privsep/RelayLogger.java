package org.imsg.privsep;

import java.io.IOException;
import java.text.MessageFormat;
import java.util.MissingResourceException;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** A child's logger: its records travel to the parent, which has the right to write them down. */
final class RelayLogger implements System.Logger {
    private static volatile @Nullable Connection relay;

    private final String name;
    private final Connection parent;

    RelayLogger(String name, Connection parent) {
        this.name = name;
        this.parent = parent;
    }

    /** In a child a logger whose records travel to the parent, everywhere else the system's. */
    static System.Logger of(String name) {
        Connection parent = relay;
        return parent == null ? System.getLogger(name) : new RelayLogger(name, parent);
    }

    /** From now on records travel to this parent. */
    static System.Logger relayTo(Connection parent, String name) {
        relay = parent;
        return of(name);
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        // The parent knows its levels; tracing is not worth the way.
        return level != Level.OFF && level.getSeverity() >= Level.DEBUG.getSeverity();
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
        if (isLoggable(level))
            send(level, translated(bundle, message), thrown);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
        if (isLoggable(level))
            send(level, formatted(translated(bundle, format), parameters), null);
    }

    private void send(Level level, String text, Throwable thrown) {
        try {
            parent.send(Protocol.log(level, name, thrown == null ? text : text + "\n" + Printable.trace(thrown)));
        } catch (IOException _) {
            // The parent is gone, or does not listen: the error output is left.
            System.err.println(level + " " + name + ": " + text);
        }
    }

    private static String translated(ResourceBundle bundle, String key) {
        if (bundle == null || key == null)
            return String.valueOf(key);
        try {
            return bundle.getString(key);
        } catch (MissingResourceException _) {
            return key;
        }
    }

    private static String formatted(String format, Object... parameters) {
        if (parameters == null || parameters.length == 0)
            return format;
        try {
            return MessageFormat.format(format, parameters);
        } catch (IllegalArgumentException _) {
            return format;
        }
    }
}
