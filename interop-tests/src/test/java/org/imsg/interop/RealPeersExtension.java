package org.imsg.interop;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

import org.imsg.harness.debian.PeerUnavailableException;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.opentest4j.TestAbortedException;

/** What {@link RealPeers} promises. */
final class RealPeersExtension
        implements
            BeforeEachCallback,
            TestExecutionExceptionHandler,
            LifecycleMethodExecutionExceptionHandler {
    private static final int LINES_SHOWN = 40;

    @Override
    public void beforeEach(ExtensionContext context) {
        store(context).put("start", Instant.now());
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        if (!(failure instanceof TestAbortedException) && !(failure instanceof PeerUnavailableException)) {
            printLogs(Peers.logs(), store(context).get("start", Instant.class), System.err);
        }
        throw skipOrFailure(failure);
    }

    @Override
    public void handleBeforeAllMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        throw skipOrFailure(failure);
    }

    @Override
    public void handleBeforeEachMethodExecutionException(ExtensionContext context, Throwable failure)
            throws Throwable {
        throw skipOrFailure(failure);
    }

    private static Throwable skipOrFailure(Throwable failure) {
        return failure instanceof PeerUnavailableException unavailable
                ? Peers.skipOrFailure(unavailable, Peers.REQUIRED)
                : failure;
    }

    static void printLogs(Path directory, Instant since, PrintStream out) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path log : files.filter(file -> file.toString().endsWith(".log")).sorted().toList()) {
                if (Files.getLastModifiedTime(log).compareTo(FileTime.from(since)) >= 0) {
                    List<String> lines = new String(Files.readAllBytes(log)).lines().toList();
                    out.println("--- the end of " + log);
                    lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size()).forEach(out::println);
                }
            }
        }
    }

    private static ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(ExtensionContext.Namespace.create(RealPeersExtension.class, context.getUniqueId()));
    }
}
