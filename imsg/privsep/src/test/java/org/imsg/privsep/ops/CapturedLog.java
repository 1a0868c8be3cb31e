package org.imsg.privsep.ops;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What is logged under a class's name, kept instead of printed: a filter on the logger that lets nothing pass. By reflection, for
 * the module under test does not read java.logging.
 */
final class CapturedLog implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Object logger;
    private final Method setFilter;

    CapturedLog(Class<?> logging) throws ReflectiveOperationException {
        Class<?> type = Class.forName("java.util.logging.Logger");
        Class<?> filter = Class.forName("java.util.logging.Filter");
        logger = type.getMethod("getLogger", String.class).invoke(null, logging.getName());
        setFilter = type.getMethod("setFilter", filter);
        setFilter.invoke(logger, Proxy.newProxyInstance(filter.getClassLoader(), new Class<?>[]{filter},
                (_, _, arguments) -> {
                    Object message = arguments[0].getClass().getMethod("getMessage").invoke(arguments[0]);
                    lines.add(String.valueOf(message));
                    return false;
                }));
    }

    List<String> lines() {
        return lines;
    }

    @Override
    public void close() throws ReflectiveOperationException {
        setFilter.invoke(logger, (Object) null);
    }
}
