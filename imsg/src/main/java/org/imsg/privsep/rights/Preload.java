package org.imsg.privsep.rights;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ResolvedModule;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnknownHostException;
import java.nio.channels.Channels;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.text.NumberFormat;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.FormatStyle;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;

/**
 * What a JVM opens or loads only when it is first used, done while it still can be: a chroot hides the files, and a process that
 * gave up its rights may not open them. Each method may be called more than once.
 */
public final class Preload {
    private Preload() {}

    /**
     * What most programs need: every jar of the class path and module path is opened, and stays open; classes that are in
     * directories are loaded; security providers and
     * random numbers; selectors, channels and virtual threads; time zones, locales and formats; logging and stack traces; and
     * one look-up of {@code localhost}, which has the C library load its resolver and read the resolver's files.
     *
     * @throws IOException
     *             if a channel cannot be made, or a directory of classes not be read
     */
    public static void standard() throws IOException {
        // The search for what is nowhere opens every jar there is.
        ClassLoader.getSystemResource("there/is/no/such/resource");
        classesInDirectories();
        security();
        channels();
        times();
        texts();
        lookUp("localhost");
        lookUp("127.0.0.1");
        virtualThread();
    }

    /**
     * The default TLS context with its certificates, for programs that speak TLS; takes some 200 ms.
     *
     * @throws NoSuchAlgorithmException
     *             if this JDK has no TLS
     */
    public static void tls() throws NoSuchAlgorithmException {
        SSLContext.getDefault().createSSLEngine();
    }

    /** A directory of class files cannot be held open: its classes are loaded, but run nothing of theirs yet. */
    private static void classesInDirectories() throws IOException {
        Set<Path> places = places(System.getProperty("java.class.path", ""));
        for (ResolvedModule module : ModuleLayer.boot().configuration().modules())
            module.reference().location().filter(location -> "file".equals(location.getScheme())).map(Path::of)
                    .ifPresent(places::add);
        for (Path directory : places) {
            if (!Files.isDirectory(directory))
                continue;
            try (Stream<Path> files = Files.walk(directory)) {
                files.map(file -> directory.relativize(file).toString()).filter(file -> file.endsWith(".class"))
                        .forEach(Preload::load);
            }
        }
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

    private static void security() {
        for (Provider provider : Security.getProviders())
            provider.getServices();
        new SecureRandom().nextInt();
    }

    /** What is refused here, because it was not promised, would be refused later too; its classes are loaded. */
    private static void channels() throws IOException {
        List<Callable<Closeable>> openings = List.of(Selector::open, SocketChannel::open, ServerSocketChannel::open,
                DatagramChannel::open, () -> SocketChannel.open(StandardProtocolFamily.UNIX));
        for (Callable<Closeable> opening : openings) {
            try {
                opening.call().close();
            } catch (Exception _) {
                // as said
            }
        }
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source();
                Pipe.SinkChannel sink = pipe.sink();
                Selector selector = Selector.open()) {
            source.configureBlocking(false);
            source.register(selector, source.validOps());
            selector.selectNow();
            Channels.newOutputStream(sink).close();
        }
    }

    private static void times() {
        TimeZone.getDefault();
        ZonedDateTime now = ZonedDateTime.now(ZoneId.systemDefault());
        now.withZoneSameInstant(ZoneId.of("Europe/Berlin"));
        DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM).format(now);
        DateTimeFormatter.RFC_1123_DATE_TIME.format(now);
    }

    private static void texts() {
        NumberFormat.getInstance().format(1.5);
        String.format(Locale.getDefault(), "%,d %.3f %tF %s", 1, 0.5, 0L, Locale.ROOT);
        new ErrnoException("open", Errno.number("EACCES")).printStackTrace(new PrintWriter(new StringWriter()));
        System.getLogger(Preload.class.getName()).log(System.Logger.Level.TRACE, (Supplier<String>) () -> "preload");
    }

    private static void lookUp(String host) {
        try {
            InetAddress.getByName(host);
        } catch (UnknownHostException _) {
            // what it takes to look one up is loaded all the same
        }
    }

    /** Starts the scheduler of virtual threads and what unparks them. */
    private static void virtualThread() {
        Thread thread = Thread.ofVirtual().unstarted(Thread::yield);
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
