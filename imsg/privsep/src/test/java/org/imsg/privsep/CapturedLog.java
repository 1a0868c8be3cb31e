package org.imsg.privsep;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Takes what a logger is given, which then is printed nowhere. By reflection, for the module under test does not read
 * java.logging.
 */
final class CapturedLog implements AutoCloseable {
    private final BlockingQueue<String> records = new LinkedBlockingQueue<>();
    private final Object logger;
    private final Class<?> filters;
    private volatile Consumer<String> first = _ -> {};

    CapturedLog(String name) throws ReflectiveOperationException {
        logger = Class.forName("java.util.logging.Logger").getMethod("getLogger", String.class).invoke(null, name);
        filters = Class.forName("java.util.logging.Filter");
        filter(Proxy.newProxyInstance(filters.getClassLoader(), new Class<?>[]{filters}, (_, _, record) -> {
            Class<?> type = record[0].getClass();
            String text = type.getMethod("getLevel").invoke(record[0]) + " "
                    + type.getMethod("getMessage").invoke(record[0]);
            first.accept(text);
            records.add(text);
            return false;
        }));
    }

    private void filter(Object filter) throws ReflectiveOperationException {
        logger.getClass().getMethod("setFilter", filters).invoke(logger, filter);
    }

    /** Is given every record by the thread that logs it, which waits. */
    void onRecord(Consumer<String> taker) {
        first = taker;
    }

    /** The next record with this in it. */
    String await(String part) throws InterruptedException {
        for (String record; (record = records.poll(30, TimeUnit.SECONDS)) != null;)
            if (record.contains(part))
                return record;
        throw new AssertionError("nothing was logged with \"" + part + "\" in it");
    }

    /** The records that were not waited for. */
    List<String> rest() {
        List<String> rest = new ArrayList<>();
        records.drainTo(rest);
        return rest;
    }

    @Override
    public void close() throws ReflectiveOperationException {
        filter(null);
    }
}
