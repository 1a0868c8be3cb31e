package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The shared library of FRR, which carries OpenBSD's imsg code and exports it, and the libraries it needs, unpacked
 * next to the chroots and not installed. Made once and kept, as chroots are. Immutable.
 */
public final class Libfrr {
    private static final String LIBRARY = "libfrr.so.0";

    /** libfrr's package and, besides those of the C library, what its library needs, directly or not. */
    private static final List<String> PACKAGES = List.of("frr", "libyang2", "libpcre2-8-0", "libjson-c5", "libcap2",
            "libcrypt1");
    private static final String FETCH = """
            set -e
            apt-get -qq update
            cd /tmp/fetched
            apt-get -qq download "$@"
            for package in *.deb; do
                dpkg-deb -x "$package" .
                rm "$package"
            done
            """;

    private final List<Path> libraries;

    private Libfrr(List<Path> libraries) {
        this.libraries = libraries;
    }

    /**
     * Returns the libraries of bookworm's FRR 8.4.4, beside its chroot.
     *
     * @param bookworm the chroot whose apt fetches them
     * @return the libraries, ready to load on a machine with the C library of bookworm or a newer one
     * @throws PeerUnavailableException if they cannot be fetched; the message says why
     * @throws IOException if a file operation fails
     * @throws InterruptedException if interrupted meanwhile; the next call begins anew
     * @throws IllegalArgumentException if the chroot is not bookworm's: later suites export nothing
     */
    public static Libfrr of(DebianChroot bookworm) throws IOException, InterruptedException, PeerUnavailableException {
        if (bookworm.suite() != DebianSuite.BOOKWORM) {
            throw new IllegalArgumentException("libfrr is taken from bookworm, not from " + bookworm.suite());
        }
        Path directory = CachedDirectory.of(bookworm.root().resolveSibling("libfrr"), String.join(" ", PACKAGES),
                (empty, _) -> fetch(bookworm, empty));
        return new Libfrr(inLoadOrder(sharedObjects(directory)));
    }

    /**
     * Lists the libraries, each after those it needs, libfrr itself last: loaded in this order each finds the others.
     *
     * @return absolute paths of shared objects
     */
    public List<Path> libraries() {
        return libraries;
    }

    private static void fetch(DebianChroot bookworm, Path directory)
            throws IOException, InterruptedException, PeerUnavailableException {
        List<String> line = new ArrayList<>(List.of("sh", "-c", FETCH, "fetch"));
        line.addAll(PACKAGES);
        ChrootOutcome outcome = bookworm.command(line.toArray(String[]::new)).hostNetwork()
                .bind(directory, "/tmp/fetched").file("/etc/resolv.conf", Files.readString(Path.of("/etc/resolv.conf")))
                .run();
        if (outcome.status() != 0) {
            throw new PeerUnavailableException("the packages of libfrr could not be fetched: "
                    + outcome.errors().strip().replaceAll("\\s*\\n\\s*", "; "));
        }
    }

    /** By file name, which is what others need them by. */
    private static Map<String, Path> sharedObjects(Path directory) throws IOException {
        Map<String, Path> found = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            files.filter(file -> file.getFileName().toString().contains(".so."))
                    .forEach(file -> found.put(file.getFileName().toString(), file));
        }
        return found;
    }

    private static List<Path> inLoadOrder(Map<String, Path> available) throws IOException {
        if (!available.containsKey(LIBRARY)) {
            throw new IOException(LIBRARY + " is not in the package frr");
        }
        Set<Path> order = new LinkedHashSet<>();
        addWithNeeds(LIBRARY, available, order);
        return List.copyOf(order);
    }

    /** A library that is not available here belongs to the C library, which every process has. */
    private static void addWithNeeds(String name, Map<String, Path> available, Set<Path> order) throws IOException {
        Path file = available.get(name);
        if (file != null && !order.contains(file)) {
            for (String needed : ElfNeeds.of(file)) {
                addWithNeeds(needed, available, order);
            }
            order.add(file);
        }
    }
}
