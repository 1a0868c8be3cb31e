package org.imsg.interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Libfrr;
import org.imsg.harness.debian.PeerUnavailableException;
import org.opentest4j.TestAbortedException;

/**
 * The real peers of a test run, each made once and shared by all tests. Where one cannot be had, the asking test is
 * skipped with the reason, or fails if {@code IMSG_PEERS=required} is in the environment.
 */
public final class Peers {
    static final boolean REQUIRED = "required".equals(System.getenv("IMSG_PEERS"));

    private static final Map<Object, Object> ASKED_BEFORE = new HashMap<>();

    private Peers() {}

    /** Something that may not be there. */
    @FunctionalInterface
    public interface Source<T> {
        /** {@return it} */
        T get() throws IOException, InterruptedException, PeerUnavailableException;
    }

    /** {@return the chroot of a suite; made, and its versions printed, when the first test of a run asks} */
    public static DebianChroot chroot(DebianSuite suite) throws IOException, InterruptedException {
        return (DebianChroot) once(suite, () -> {
            DebianChroot chroot = DebianChroot.of(suite);
            System.out.println("peers: " + chroot);
            return chroot;
        });
    }

    /** {@return the libraries of FRR 8.4.4} */
    public static Libfrr libfrr() throws IOException, InterruptedException {
        DebianChroot bookworm = chroot(DebianSuite.BOOKWORM);
        return (Libfrr) once(Libfrr.class, () -> Libfrr.of(bookworm));
    }

    /** {@return what the source gives; if it is unavailable, ends the asking test as skipped or failed} */
    public static <T> T require(Source<T> source) throws IOException, InterruptedException {
        try {
            return source.get();
        } catch (PeerUnavailableException unavailable) {
            throw skipOrFailure(unavailable, REQUIRED);
        }
    }

    /** A reason that held once holds for the rest of the run: nobody waits for an unreachable mirror twice. */
    private static synchronized Object once(Object key, Source<?> source) throws IOException, InterruptedException {
        if (!ASKED_BEFORE.containsKey(key)) {
            try {
                ASKED_BEFORE.put(key, source.get());
            } catch (PeerUnavailableException unavailable) {
                ASKED_BEFORE.put(key, unavailable);
            }
        }
        return require(() -> {
            if (ASKED_BEFORE.get(key) instanceof PeerUnavailableException unavailable) {
                throw unavailable;
            }
            return ASKED_BEFORE.get(key);
        });
    }

    static RuntimeException skipOrFailure(PeerUnavailableException unavailable, boolean required) {
        return required
                ? new IllegalStateException("IMSG_PEERS=required, but " + unavailable.getMessage(), unavailable)
                : new TestAbortedException(unavailable.getMessage(), unavailable);
    }

    static Path logs() {
        return Path.of(System.getProperty(DebianChroot.DIRECTORY_PROPERTY, "target/chroots")).resolve("logs");
    }
}
