package org.imsg.harness.debian;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * What this machine must be and have so that peers can run on it.
 *
 * @param root where its files are looked for; {@code /} but in tests
 */
record DebianHost(Path root) {
    private static final List<String> TOOLS = List.of("mmdebstrap", "unshare", "setpriv", "nsenter", "mount", "ip");
    private static final String KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg";

    static DebianHost here() {
        return new DebianHost(Path.of("/"));
    }

    /** Throws the reason why no chroot can be made or used here, if there is one. */
    void require() throws PeerUnavailableException {
        if (!"debian".equals(osRelease("ID"))) {
            throw new PeerUnavailableException("this is not a Debian system");
        }
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new PeerUnavailableException("only root may make and enter chroots");
        }
        for (String tool : TOOLS) {
            if (Stream.of(System.getenv("PATH").split(File.pathSeparator))
                    .noneMatch(directory -> Files.isExecutable(Path.of(directory, tool)))) {
                throw new PeerUnavailableException("the program " + tool + " is not installed");
            }
        }
        if (!Files.isReadable(keyring())) {
            throw new PeerUnavailableException("the keyring " + keyring() + " is missing");
        }
    }

    Path keyring() {
        return root.resolve(KEYRING);
    }

    /**
     * The Debian mirror that apt uses on this machine, for packages of any suite: the first source of component main
     * that carries this machine's own suite.
     */
    String mirror() throws PeerUnavailableException {
        String codename = osRelease("VERSION_CODENAME");
        for (AptSource source : sources()) {
            if (source.suites().contains(codename) && source.components().contains("main")
                    && !source.uri().startsWith("cdrom:")) {
                return source.uri();
            }
        }
        throw new PeerUnavailableException("apt has no source for " + codename + " main on this machine");
    }

    private List<AptSource> sources() throws PeerUnavailableException {
        Path apt = root.resolve("etc/apt");
        List<AptSource> sources = new ArrayList<>();
        try {
            if (Files.exists(apt.resolve("sources.list"))) {
                sources.addAll(AptSource.readList(Files.readString(apt.resolve("sources.list"))));
            }
            try (Stream<Path> files = Files.list(apt.resolve("sources.list.d"))) {
                for (Path file : files.sorted().toList()) {
                    if (file.toString().endsWith(".list")) {
                        sources.addAll(AptSource.readList(Files.readString(file)));
                    } else if (file.toString().endsWith(".sources")) {
                        sources.addAll(AptSource.readDeb822(Files.readString(file)));
                    }
                }
            }
        } catch (IOException e) {
            throw new PeerUnavailableException("the apt sources cannot be read: " + e.getMessage(), e);
        }
        return sources;
    }

    private String osRelease(String key) {
        Properties release = new Properties();
        try (var in = Files.newBufferedReader(root.resolve("etc/os-release"))) {
            release.load(in);
        } catch (IOException _) {
            return "";
        }
        return release.getProperty(key, "").replace("\"", "");
    }
}
