package org.imsg.privsep.rights;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.lang.module.ResolvedModule;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnknownHostException;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.imsg.unix.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Opens early the files that a JVM opens only when they are first used: a chroot hides the files, and a process that
 * gave up its rights may not open them. The JDK's own classes are in one file that is mapped from the start: nothing is loaded
 * before its time for their sake. Each method may be called more than once.
 */
public final class Preload {
    private Preload() {}

    /**
     * Prepares most programs: every jar of the class path and module path is opened, and stays open; classes that are in
     * directories are loaded; and every file is read, and every library loaded, that is needed later by security providers and
     * random numbers, selectors, channels and virtual threads, time zones, locales and formats, logging and stack traces, and
     * the C library's resolver, which looks up {@code localhost} once.
     *
     * @throws IOException if no list of the classes can be made; directories that cannot be read are passed over
     */
    public static void standard() throws IOException {
        classes();
        security();
        channels();
        lookUp("localhost");
        lookUp("127.0.0.1");
    }

    /**
     * The default TLS context with its certificates, for programs that speak TLS; takes some 200 ms.
     *
     * @throws NoSuchAlgorithmException if this JDK has no TLS
     */
    public static void tls() throws NoSuchAlgorithmException {
        SSLContext.getDefault().createSSLEngine();
    }

    /**
     * Prepares for loading classes later: every jar of the class path and module path is opened, and stays open; classes that
     * are in directories are loaded. Before, what a log record takes is prepared: the jars may leave no descriptor for it.
     *
     * @throws IOException if no list of the classes can be made; directories that cannot be read are passed over
     */
    public static void classes() throws IOException {
        times();
        texts();
        // The search for what is nowhere opens every jar there is.
        ClassLoader.getSystemResource("there/is/no/such/resource");
        classesInDirectories();
    }

    /** A directory of class files cannot be held open: its classes are loaded, but run nothing of theirs yet. */
    private static void classesInDirectories() throws IOException {
        Set<Path> places = places(System.getProperty("java.class.path", ""));
        for (ResolvedModule module : ModuleLayer.boot().configuration().modules())
            module.reference().location().filter(location -> "file".equals(location.getScheme())).map(Path::of)
                    .ifPresent(places::add);
        for (Path directory : places) {
            if (Files.isDirectory(directory))
                for (String file : classFiles(directory))
                    load(file);
        }
    }

    /** Files that cannot be read hold no class for this process; a directory may have other things in it than classes. */
    static List<String> classFiles(Path directory) throws IOException {
        List<String> found = new ArrayList<>();
        // A place may be a symbolic link.
        Path place = directory.toRealPath();
        Files.walkFileTree(place, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".class"))
                    found.add(place.relativize(file).toString());
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) {
                return FileVisitResult.CONTINUE;
            }
        });
        return found;
    }

    /** None if all is on the module path: an empty name would be the working directory, often the root of everything. */
    static Set<Path> places(String classPath) {
        Set<Path> places = new LinkedHashSet<>();
        if (!classPath.isEmpty())
            for (String entry : classPath.split(File.pathSeparator))
                places.add(Path.of(entry));
        return places;
    }

    private static void load(String file) {
        try {
            Class.forName(file.substring(0, file.length() - ".class".length()).replace(File.separatorChar, '.'), false,
                    ClassLoader.getSystemClassLoader());
        } catch (ClassNotFoundException | LinkageError _) {
            // module-info, or a class that could not be used anyway
        }
    }

    /** The configuration, from which any provider can be loaded later, and the devices random numbers come from. */
    private static void security() {
        new SecureRandom().nextInt();
    }

    /**
     * The libraries of channels, and the network's configuration, which the first Unix socket reads. A call refused here, because
     * it was not promised, would be refused later too; its libraries are loaded.
     */
    private static void channels() {
        List<Callable<Closeable>> openings = List.of(Selector::open, SocketChannel::open,
                () -> SocketChannel.open(StandardProtocolFamily.UNIX));
        for (Callable<Closeable> opening : openings) {
            try {
                opening.call().close();
            } catch (Exception _) {
                // as said
            }
        }
    }

    /** The zone this machine is in; java.util and java.time each read the rules of all zones. */
    private static void times() {
        TimeZone.getDefault();
        ZoneId.systemDefault().getRules();
    }

    /** The C library's messages, and the configuration of logging. */
    private static void texts() {
        Errno.text(Errno.number("EACCES"));
        System.getLogger(Preload.class.getName()).log(System.Logger.Level.TRACE, (Supplier<String>) () -> "preload");
    }

    private static void lookUp(String host) {
        try {
            InetAddress.getByName(host);
        } catch (UnknownHostException _) {
            // what it takes to look one up is loaded all the same
        }
    }
}
