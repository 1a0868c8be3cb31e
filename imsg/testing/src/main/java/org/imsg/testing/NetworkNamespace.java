package org.imsg.testing;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A network of the test's own, with nothing in it but a loopback interface that is up. A thread lives in it: the sockets it
 * makes are there, and the processes it starts; to the rest of the machine they are invisible. Needs root, on Linux. It is gone
 * when this is closed and its last process has ended.
 */
public final class NetworkNamespace implements AutoCloseable {
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final Path IP = Path.of("/usr/sbin/ip");

    private final ExecutorService thread = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("network-namespace").factory());

    public NetworkNamespace() throws Exception {
        try {
            call(() -> {
                unshare();
                return output(IP.toString(), "link", "set", "lo", "up");
            });
        } catch (Exception | Error e) {
            close();
            throw e;
        }
    }

    /** Why there can be none here, or "" if there can. */
    public static String obstacle() throws IOException {
        if (!Files.isDirectory(Path.of("/proc/self/ns")) || !Files.isExecutable(IP))
            return "a network namespace takes Linux and " + IP;
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0) ? "" : "a network namespace takes root";
    }

    /** Does something in its thread, and waits for it. */
    public <T> T call(Callable<T> task) throws Exception {
        try {
            return thread.submit(task).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause)
                throw cause;
            throw e;
        }
    }

    private static String output(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (process.waitFor() != 0)
            throw new IOException(String.join(" ", command) + " failed: " + output);
        return output;
    }

    @SuppressWarnings("restricted")
    private static void unshare() throws IOException {
        int result;
        try {
            // int unshare(int flags);
            Linker linker = Linker.nativeLinker();
            result = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("unshare"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT)).invokeExact(CLONE_NEWNET);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
        if (result != 0)
            throw new IOException("unshare(CLONE_NEWNET) failed");
    }

    @Override
    public void close() {
        thread.close();
    }
}
