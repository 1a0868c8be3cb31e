package org.imsg.testing;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Takes what a class logs, which then is printed nowhere. By reflection, for the module under test does not read java.logging.
 */
public final class CapturedLog implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final List<String> traces = new CopyOnWriteArrayList<>();
    private final Object logger;
    private final Class<?> filters;

    public CapturedLog(Class<?> logging) throws ReflectiveOperationException {
        logger = Class.forName("java.util.logging.Logger").getMethod("getLogger", String.class).invoke(null,
                logging.getName());
        filters = Class.forName("java.util.logging.Filter");
        filter(Proxy.newProxyInstance(filters.getClassLoader(), new Class<?>[]{filters}, (_, _, record) -> {
            Class<?> type = record[0].getClass();
            Object thrown = type.getMethod("getThrown").invoke(record[0]);
            Object message = type.getMethod("getMessage").invoke(record[0]);
            lines.add(message + (thrown == null ? "" : " " + thrown));
            traces.add(message + (thrown == null ? "" : "\n" + trace((Throwable) thrown)));
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

    /** The messages so far, each with the stack trace of what was thrown, as they would be printed. */
    public List<String> traces() {
        return traces;
    }

    private static String trace(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace, true));
        return trace.toString();
    }

    @Override
    public void close() throws ReflectiveOperationException {
        filter(null);
    }
}
