package org.imsg.privsep;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * SIGHUP as a call. The JDK's only interface for signals is sun.misc.Signal in the module jdk.unsupported, which this module
 * does not require: it is used by reflection where it is there, as on the class path, and on the module path with
 * {@code --add-modules jdk.unsupported}. A handler of our own by sigaction(2) would run Java in a thread that was stopped
 * anywhere; signalfd(2) needs the signal blocked in threads that the JVM started long ago.
 */
final class HangUpSignal implements AutoCloseable {
    private final Object signal;
    private final Object former;
    private final Method handle;

    private HangUpSignal(Object signal, Object former, Method handle) {
        this.signal = signal;
        this.former = former;
        this.handle = handle;
    }

    /** Null if this JVM does not let us. */
    static @Nullable HangUpSignal to(Runnable action) {
        try {
            Class<?> signals = Class.forName("sun.misc.Signal");
            Class<?> handlers = Class.forName("sun.misc.SignalHandler");
            Object signal = signals.getConstructor(String.class).newInstance("HUP");
            InvocationHandler call = (proxy, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    action.run();
                    yield null;
                }
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "SIGHUP as a reload";
            };
            Object handler = Proxy.newProxyInstance(handlers.getClassLoader(), new Class<?>[]{handlers}, call);
            Method handle = signals.getMethod("handle", signals, handlers);
            Object former = handle.invoke(null, signal, handler);
            // The JVM leaves a signal alone that was ignored when it started, as under nohup(1).
            return former.equals(handlers.getField("SIG_IGN").get(null))
                    ? null
                    : new HangUpSignal(signal, former, handle);
        } catch (ReflectiveOperationException | IllegalArgumentException _) {
            // No such module, or the JVM runs with -Xrs.
            return null;
        }
    }

    @Override
    public void close() {
        try {
            handle.invoke(null, signal, former);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the handler of SIGHUP cannot be put back", e);
        }
    }
}
