package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A small Debian of one suite with the real imsg programs in it. It is made once, in about 20 seconds, and kept
 * between runs; nothing ever writes into it afterwards, since every {@link ChrootCommand} works on a copy of its own.
 * Making it may be interrupted at any moment, and several programs may ask for it at the same time.
 *
 * <p>Needs root on a Debian host with mmdebstrap. Immutable.
 */
public final class DebianChroot {
    /** Names the directory that {@link #of(DebianSuite)} keeps the chroots in; {@code target/chroots} if not set. */
    public static final String DIRECTORY_PROPERTY = "imsg.chroots";

    private final DebianSuite suite;
    private final Path root;
    private final SortedMap<String, String> versions;

    private DebianChroot(DebianSuite suite, Path root, List<String> packages)
            throws IOException, InterruptedException, PeerUnavailableException {
        this.suite = suite;
        this.root = root;
        this.versions = Collections.unmodifiableSortedMap(readVersions(packages));
    }

    /**
     * Returns the chroot of a suite in the usual directory, see {@link #DIRECTORY_PROPERTY}; makes it if needed.
     *
     * @param suite which Debian
     * @return the chroot, ready to use
     * @throws PeerUnavailableException if there can be none on this machine; the message says why
     * @throws IOException if a file operation fails
     * @throws InterruptedException if interrupted while it is made; the next call begins anew
     */
    public static DebianChroot of(DebianSuite suite)
            throws IOException, InterruptedException, PeerUnavailableException {
        return of(suite, Path.of(System.getProperty(DIRECTORY_PROPERTY, "target/chroots")));
    }

    /**
     * Returns the chroot of a suite in a directory of the caller's; makes it if needed.
     *
     * @param suite which Debian
     * @param directory where chroots and their programs' logs are kept; made if needed
     * @return the chroot, ready to use
     * @throws PeerUnavailableException if there can be none on this machine; the message says why
     * @throws IOException if a file operation fails
     * @throws InterruptedException if interrupted while it is made; the next call begins anew
     */
    public static DebianChroot of(DebianSuite suite, Path directory)
            throws IOException, InterruptedException, PeerUnavailableException {
        DebianHost host = DebianHost.here();
        host.require();
        return of(new Mmdebstrap(suite, suite.packages(), host.mirror(), host.keyring()), directory);
    }

    static DebianChroot of(Mmdebstrap mmdebstrap, Path directory)
            throws IOException, InterruptedException, PeerUnavailableException {
        Path absolute = directory.toAbsolutePath();
        Path root = CachedDirectory.of(absolute.resolve(mmdebstrap.suite().codename()), mmdebstrap.stamp(),
                mmdebstrap::fill);
        return new DebianChroot(mmdebstrap.suite(), root, mmdebstrap.packages());
    }

    /** {@return which Debian this is} */
    public DebianSuite suite() {
        return suite;
    }

    /** {@return its root directory, an absolute path; not to be written to} */
    public Path root() {
        return root;
    }

    /** {@return the versions of the packages asked for, by package name, as dpkg names them} */
    public SortedMap<String, String> versions() {
        return versions;
    }

    /**
     * Tells the version of one package.
     *
     * @param packageName one of {@link DebianSuite#packages()}
     * @return its version, as dpkg names it
     * @throws IllegalArgumentException if it is not one of them
     */
    public String version(String packageName) {
        String version = versions.get(packageName);
        if (version == null) {
            throw new IllegalArgumentException(packageName + " is not one of " + versions.keySet());
        }
        return version;
    }

    /**
     * Describes a run of a program in a private copy of this chroot.
     *
     * @param arguments program and arguments
     * @return the command, to be started or run
     */
    public ChrootCommand command(String... arguments) {
        return new ChrootCommand(suite, root, List.of(arguments));
    }

    /** Also proves that this machine lets us enter: some containers allow a root to make a chroot but not to mount. */
    private SortedMap<String, String> readVersions(List<String> packages)
            throws IOException, InterruptedException, PeerUnavailableException {
        String[] query = {"dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n"};
        List<String> arguments = new ArrayList<>(List.of(query));
        arguments.addAll(packages.isEmpty() ? List.of("dpkg") : packages);
        ChrootOutcome outcome = new ChrootCommand(suite, root, arguments).run();
        if (outcome.status() != 0) {
            throw new PeerUnavailableException("the " + suite.codename() + " chroot cannot be entered: "
                    + outcome.errors().strip().replaceAll("\\s*\\n\\s*", "; "));
        }
        SortedMap<String, String> found = new TreeMap<>();
        outcome.output().lines().map(line -> line.split(" ")).forEach(words -> found.put(words[0], words[1]));
        return found;
    }

    @Override
    public String toString() {
        return suite.codename() + " " + versions;
    }
}
