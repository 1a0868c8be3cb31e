package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.ErrnoException;

/**
 * Makes files with all the bits of the mode that was asked for. The umask is the process's, and other threads make files at the
 * same time, so a short-lived thread with its own umask does it. Linux only.
 */
final class WithoutUmask {
    private static final int CLONE_FS = 0x200;

    private WithoutUmask() {}

    /** Makes a file. */
    interface Making {
        void run() throws IOException;
    }

    static void run(Making making) throws IOException {
        CompletableFuture<Void> made = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("imsg-without-umask").start(() -> {
            try {
                clear();
                making.run();
                made.complete(null);
            } catch (IOException | RuntimeException | Error e) {
                made.completeExceptionally(e);
            }
        });
        try {
            made.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException failure)
                throw failure;
            throw e;
        }
    }

    private static void clear() throws ErrnoException {
        LinuxSyscalls calls = LinuxSyscalls.host();
        ErrnoException.check("unshare", "CLONE_FS", RawSyscall.call(calls.number("unshare"), CLONE_FS));
        RawSyscall.call(calls.number("umask"), 0);
    }
}
