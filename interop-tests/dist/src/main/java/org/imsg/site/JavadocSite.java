package org.imsg.site;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Makes the site and a zip of it. The net is not asked: what the JDK and Netty document is known by their packages. The same
 * sources give the same bytes.
 */
final class JavadocSite {
    private static final String NETTY = "https://netty.io/4.2/api/";

    /** Where the sources of each module are. */
    private static final Map<String, String> MODULES = new LinkedHashMap<>();
    static {
        MODULES.put("org.imsg", "imsg");
        MODULES.put("org.imsg.privsep", "imsg/privsep");
        MODULES.put("org.imsg.peers", "imsg/peers");
        MODULES.put("org.imsg.netty", "imsg-netty");
        MODULES.put("org.imsg.harness", "interop-tests/harness");
    }

    /** Where snippets come from. */
    private static final List<String> SNIPPETS = List.of("imsg/src/test/java", "imsg/privsep/src/test/java",
            "imsg/examples/src/main/java", "imsg-netty/src/test/java", "interop-tests/src/test/java",
            "interop-tests/harness/src/test/java");

    private final Path root;
    private final Path pages;
    private final Path target;
    private final String version;
    private final Instant time;
    private final List<Path> jars;

    private JavadocSite(List<String> arguments) {
        root = Path.of(arguments.get(0)).toAbsolutePath().normalize();
        pages = root.resolve("interop-tests/dist/src/main/javadoc");
        target = Path.of(arguments.get(1)).toAbsolutePath();
        version = arguments.get(2);
        time = Instant.parse(arguments.get(3));
        jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of)
                .filter(path -> path.toString().endsWith(".jar") && !path.toAbsolutePath().startsWith(root)).toList();
    }

    /**
     * Makes it of the modules' sources; the libraries that they need are on the class path.
     *
     * @param arguments the root of the sources, a directory to make it in, the version, and the time of all files in the zip
     * @throws IOException if javadoc finds a fault, or a file cannot be written
     */
    public static void main(String... arguments) throws IOException {
        new JavadocSite(List.of(arguments)).make();
    }

    private void make() throws IOException {
        Path site = target.resolve("javadoc/site");
        if (Files.exists(target.resolve("javadoc")))
            for (Path old : below(target.resolve("javadoc")).reversed())
                Files.delete(old);
        Files.createDirectories(site);
        javadoc(site, elementList(), licences());
        Path overview = site.resolve("index.html");
        for (String name : List.of("processes.svg", "bytes.svg"))
            Files.writeString(overview, drawn(Files.readString(overview), name));
        // Without the fonts, the style sheet still asks for them.
        Path styles = site.resolve("resource-files/stylesheet.css");
        Files.writeString(styles, Files.readString(styles).replace("@import url('fonts/dejavu.css');", ""));
        Files.copy(root.resolve("LICENSE"), site.resolve("LICENSE"));
        zip(site, "imsg-" + version + "-javadoc");
    }

    private void javadoc(Path site, Path netty, Path licences) {
        List<String> options = new ArrayList<>(
                List.of("-quiet", "-Werror", "-Xdoclint:all", "-locale", "en", "-encoding",
                        "UTF-8", "-docencoding", "UTF-8", "-charset", "UTF-8", "-notimestamp", "--no-fonts",
                        "--release", "25"));
        MODULES.forEach((module, directory) -> options
                .addAll(List.of("--module-source-path",
                        module + "=" + root.resolve(directory).resolve("src/main/java"))));
        options.addAll(List.of("--module", String.join(",", MODULES.keySet()), "--module-path", joined(jars)));
        options.addAll(List.of("--show-packages", "exported", "--show-module-contents", "api"));
        options.addAll(List.of("--snippet-path", joined(SNIPPETS.stream().map(root::resolve).toList())));
        // Netty's pages are of no module, its jars are modules.
        options.addAll(List.of("-linkoffline", NETTY, netty.toString(), "--link-modularity-mismatch", "info"));
        options.addAll(List.of("-overview", pages.resolve("overview.html").toString(), "--add-stylesheet",
                pages.resolve("site.css").toString(), "--legal-notices", licences.toString()));
        options.addAll(List.of("-windowtitle", "imsg for the JVM " + version, "-bottom",
                "Copyright 2026 the imsg for the JVM authors. ISC licence.", "-d", site.toString()));
        int status = ToolProvider.findFirst("javadoc").orElseThrow().run(System.out, System.err,
                options.toArray(String[]::new));
        if (status != 0)
            throw new IllegalStateException("javadoc ended with " + status);
    }

    /** A page with a picture where a comment names it: javadoc would refuse its elements. */
    private String drawn(String page, String name) throws IOException {
        String place = "<!-- " + name + " -->";
        if (!page.contains(place))
            throw new IllegalStateException("the overview has no place for " + name);
        return page.replace(place, Files.readString(pages.resolve(name)));
    }

    private static String joined(List<Path> paths) {
        return paths.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    /** Which packages Netty documents, in the form that javadoc reads. */
    private Path elementList() throws IOException {
        SortedSet<String> packages = new TreeSet<>();
        for (Path jar : jars)
            if (jar.getFileName().toString().startsWith("netty-"))
                try (JarFile file = new JarFile(jar.toFile())) {
                    file.stream().map(ZipEntry::getName)
                            .filter(name -> name.matches("io/netty/.*\\.class") && !name.contains("/internal/"))
                            .map(name -> name.substring(0, name.lastIndexOf('/')).replace('/', '.'))
                            .forEach(packages::add);
                }
        Path directory = Files.createDirectories(target.resolve("javadoc/netty"));
        Files.write(directory.resolve("element-list"), packages);
        return directory;
    }

    /** The licences of what javadoc adds to the pages, but of fonts and of colours for code, which it does not add here. */
    private Path licences() throws IOException {
        Path directory = Files.createDirectories(target.resolve("javadoc/legal"));
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.home"), "legal", "jdk.javadoc"))) {
            for (Path one : all
                    .filter(file -> !file.endsWith("dejavufonts.md") && !file.endsWith("highlightjs.md")).toList())
                Files.write(directory.resolve(one.getFileName()), Files.readAllBytes(one));
        }
        return directory;
    }

    private void zip(Path site, String name) throws IOException {
        Path zip = target.resolve(name + ".zip");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
            for (Path file : below(site).stream().filter(Files::isRegularFile).toList()) {
                ZipEntry entry = new ZipEntry(name + "/" + site.relativize(file));
                entry.setTimeLocal(LocalDateTime.ofInstant(time, ZoneOffset.UTC));
                out.putNextEntry(entry);
                Files.copy(file, out);
            }
        }
    }

    private static List<Path> below(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.sorted().toList();
        }
    }
}
