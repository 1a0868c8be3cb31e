package org.imsg.testing;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Takes what a class logs, which then is printed nowhere. By reflection, for the module under test does not read java.logging.
 */
public final class CapturedLog implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Object logger;
    private final Class<?> filters;

    public CapturedLog(Class<?> logging) throws ReflectiveOperationException {
        logger = Class.forName("java.util.logging.Logger").getMethod("getLogger", String.class).invoke(null,
                logging.getName());
        filters = Class.forName("java.util.logging.Filter");
        filter(Proxy.newProxyInstance(filters.getClassLoader(), new Class<?>[]{filters}, (_, _, record) -> {
            Class<?> type = record[0].getClass();
            Object thrown = type.getMethod("getThrown").invoke(record[0]);
            lines.add(type.getMethod("getMessage").invoke(record[0]) + (thrown == null ? "" : " " + thrown));
            return false;
        }));
    }

    private void filter(Object filter) throws ReflectiveOperationException {
        logger.getClass().getMethod("setFilter", filters).invoke(logger, filter);
    }

    /** The messages so far, each with what was thrown. */
    public List<String> lines() {
        return lines;
    }

    @Override
    public void close() throws ReflectiveOperationException {
        filter(null);
    }
}
