package org.imsg.peers.table;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A table that smtpd looks things up in; asked by one smtpd process at a time. */
public interface Table {
    /**
     * Looks a key up.
     *
     * @param service what kind of thing it is
     * @param key what smtpd looks for
     * @return what the table has for it; null if nothing
     */
    @Nullable
    String lookup(TableKind service, String key);

    /**
     * Tells whether a key is there.
     *
     * @param service what kind of thing it is
     * @param key what smtpd looks for
     * @return whether it is
     */
    default boolean check(TableKind service, String key) {
        return lookup(service, key) != null;
    }

    /**
     * Gives any value, a new one each time.
     *
     * @param service what kind of thing is wanted
     * @return a value; null if there is none
     */
    default @Nullable String fetch(TableKind service) {
        return null;
    }

    /**
     * Reads the table's source again.
     *
     * @return whether that went well
     */
    default boolean update() {
        return true;
    }

    /**
     * A table of keys and values, whatever the service.
     *
     * @param entries looked into at every question, so that it may change if it is safe for that
     * @return the table
     */
    static Table of(Map<String, String> entries) {
        return (_, key) -> entries.get(key);
    }
}
