package org.imsg;

/**
 * Keeps a class's logger quiet for a while: what a test provokes on purpose need not fill the build's output. By reflection,
 * for the module under test does not read java.logging.
 */
final class QuietLog implements AutoCloseable {
    private final Object logger;
    private final Object level;

    private QuietLog(Object logger, Object level) {
        this.logger = logger;
        this.level = level;
    }

    static QuietLog of(Class<?> logging) throws ReflectiveOperationException {
        Class<?> type = Class.forName("java.util.logging.Logger");
        Object logger = type.getMethod("getLogger", String.class).invoke(null, logging.getName());
        QuietLog quiet = new QuietLog(logger, type.getMethod("getLevel").invoke(logger));
        quiet.level(Class.forName("java.util.logging.Level").getField("OFF").get(null));
        return quiet;
    }

    private void level(Object newLevel) throws ReflectiveOperationException {
        logger.getClass().getMethod("setLevel", Class.forName("java.util.logging.Level")).invoke(logger, newLevel);
    }

    @Override
    public void close() throws ReflectiveOperationException {
        level(level);
    }
}
