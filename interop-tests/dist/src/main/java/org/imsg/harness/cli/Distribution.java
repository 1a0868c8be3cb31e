package org.imsg.harness.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine;

/**
 * Makes what is installed of the program: an archive with a Java image, and a Debian package for an installed Java. Both have
 * the same launcher, jar, man pages and completions, and the same sources give the same bytes.
 */
final class Distribution {
    private static final String MODULES = "java.base,java.xml";

    private final Path module;
    private final Path harnessJar;
    private final Path target;
    private final String version;
    private final Instant time;

    private Distribution(List<String> arguments) {
        module = Path.of(arguments.get(0)).toAbsolutePath();
        harnessJar = Path.of(arguments.get(1));
        target = Path.of(arguments.get(2)).toAbsolutePath();
        version = arguments.get(3);
        time = Instant.parse(arguments.get(4));
    }

    /**
     * Makes both.
     *
     * @param arguments this module's directory, the program's jar, where to make them, the version, and the time of all files
     * @throws Exception if a tool fails
     */
    public static void main(String[] arguments) throws Exception {
        new Distribution(List.of(arguments)).make();
    }

    private void make() throws Exception {
        Files.createDirectories(target);
        archive();
        debianPackage();
    }

    private void archive() throws Exception {
        String name = "imsg-" + version + "-linux-x86_64";
        Path stage = fresh(target.resolve("archive"));
        Path tree = stage.resolve(name);
        program(tree);
        Path licences = tree.resolve("share/doc/imsg");
        Files.createDirectories(licences);
        Files.copy(module.resolve("../../LICENSE"), licences.resolve("LICENSE"));
        Files.copy(module.resolve("src/main/licences/Apache-2.0"), licences.resolve("LICENSE.picocli"));
        Files.writeString(licences.resolve("README"),
                """
                        imsg %s is under the licence in LICENSE. It comes with picocli 4.7.7, by Remko Popma, under the Apache licence
                        in LICENSE.picocli (its class files are of a later version here), and with a Java image from OpenJDK, whose
                        licences are in lib/imsg/legal.

                        Unpack it anywhere, and have a link to bin/imsg in PATH, or add bin. share/imsg/make-cache, run by the owner of
                        the files, makes a cache for all users which lets imsg start faster; without it each user gets one with the
                        first run, in ~/.cache/imsg.
                        """
                        .formatted(version));
        Path image = tree.resolve("lib/imsg");
        Files.createDirectories(image.getParent());
        run(Path.of(System.getProperty("java.home"), "bin", "jlink").toString(), "--add-modules", MODULES, "--compress",
                "zip-0", "--strip-java-debug-attributes", "--no-header-files", "--no-man-pages", "--output",
                image.toString());
        Files.writeString(tree.resolve("share/imsg/image.sha256"),
                sum("SHA-256", image.resolve("lib/modules")) + "\n"
                        + sum("SHA-256", image.resolve("lib/server/libjvm.so")) + "\n");
        settle(stage);
        run("tar", "--sort=name", "--mtime=@" + time.getEpochSecond(), "--owner=0", "--group=0", "--numeric-owner",
                "--use-compress-program=xz -6 -T1", "-C", stage.toString(), "-cf",
                target.resolve(name + ".tar.xz").toString(), name);
    }

    private void debianPackage() throws Exception {
        Path stage = fresh(target.resolve("package"));
        Path usr = stage.resolve("usr");
        program(usr);
        Path documents = usr.resolve("share/doc/imsg");
        Files.createDirectories(documents);
        Path debian = module.resolve("src/main/debian");
        Files.copy(debian.resolve("copyright"), documents.resolve("copyright"));
        Files.writeString(documents.resolve("changelog"), filled(debian.resolve("changelog"), stage));
        run("gzip", "-9n", documents.resolve("changelog").toString());
        for (Path page : files(usr.resolve("share/man")))
            run("gzip", "-9n", page.toString());
        Path zsh = usr.resolve("share/zsh/vendor-completions");
        Files.createDirectories(zsh);
        Files.move(usr.resolve("share/zsh/site-functions/_imsg"), zsh.resolve("_imsg"));
        Files.delete(usr.resolve("share/zsh/site-functions"));
        Path control = stage.resolve("DEBIAN");
        Files.createDirectories(control);
        StringBuilder sums = new StringBuilder();
        for (Path file : files(usr))
            sums.append(sum("MD5", file)).append("  ").append(stage.relativize(file)).append('\n');
        Files.writeString(control.resolve("md5sums"), sums);
        Files.writeString(control.resolve("control"), filled(debian.resolve("control"), usr));
        for (String file : List.of("postinst", "postrm", "triggers"))
            Files.writeString(control.resolve(file), Files.readString(debian.resolve(file)));
        for (String script : List.of("postinst", "postrm"))
            control.resolve(script).toFile().setExecutable(true, false);
        settle(stage);
        run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", stage.toString(),
                target.resolve("imsg_" + debianVersion() + "_all.deb").toString());
    }

    /** A control file, with its version, date and size. */
    private String filled(Path file, Path tree) throws IOException {
        long kibibytes = 0;
        for (Path one : files(tree))
            kibibytes += (Files.size(one) + 1023) / 1024;
        return Files.readString(file).replace("@VERSION@", debianVersion()).replace("@SIZE@", String.valueOf(kibibytes))
                .replace("@DATE@", DateTimeFormatter.RFC_1123_DATE_TIME
                        .format(time.atOffset(ZoneOffset.UTC)).replace("GMT", "+0000"));
    }

    /** A version that sorts before the release. */
    private String debianVersion() {
        return version.replace("-", "~").toLowerCase(Locale.ROOT);
    }

    /** What both have. */
    private void program(Path tree) throws IOException {
        copy(module.resolve("src/main/tree"), tree);
        LiftedJar.write(harnessJar, Rehearsal.class, time, tree.resolve("share/imsg/imsg.jar"));
        new ManualPages(time).write(tree.resolve("share/man"));
        completion(tree, "share/bash-completion/completions/imsg", "bash");
        completion(tree, "share/zsh/site-functions/_imsg", "zsh");
        completion(tree, "share/fish/vendor_completions.d/imsg.fish", "fish");
    }

    private static void completion(Path tree, String name, String shell) throws IOException {
        Path file = tree.resolve(name);
        Files.createDirectories(file.getParent());
        CommandLine program = ImsgCommand.commandLine();
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
            if (program.setOut(out).execute("completion", shell) != ExitCode.OK)
                throw new IOException("imsg completion " + shell + " failed");
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        for (Path file : files(from)) {
            Path copy = to.resolve(from.relativize(file));
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    /** Permissions and times that do not depend on who makes the files, and when. */
    private void settle(Path tree) throws IOException {
        each(tree, file -> {
            try {
                if (Files.isSymbolicLink(file))
                    return;
                boolean runs = Files.getPosixFilePermissions(file).contains(PosixFilePermission.OWNER_EXECUTE);
                Files.setPosixFilePermissions(file,
                        PosixFilePermissions.fromString(runs ? "rwxr-xr-x" : "rw-r--r--"));
                Files.setLastModifiedTime(file, FileTime.from(time));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static Path fresh(Path directory) throws IOException {
        if (Files.exists(directory))
            each(directory, file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        return Files.createDirectories(directory);
    }

    /** Calls for every file and directory, what is in a directory first. */
    private static void each(Path tree, Consumer<Path> what) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            all.sorted(Comparator.reverseOrder()).forEach(what);
        }
    }

    private static List<Path> files(Path tree) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            return all.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)).sorted().toList();
        }
    }

    private static String sum(String algorithm, Path file) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance(algorithm);
        try (DigestInputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private void run(String... command) throws IOException, InterruptedException {
        ProcessBuilder settings = new ProcessBuilder(command).inheritIO();
        settings.environment().put("LC_ALL", "C.UTF-8");
        settings.environment().put("SOURCE_DATE_EPOCH", String.valueOf(time.getEpochSecond()));
        int code = settings.start().waitFor();
        if (code != 0)
            throw new IOException(String.join(" ", command) + " ended with " + code);
    }
}
