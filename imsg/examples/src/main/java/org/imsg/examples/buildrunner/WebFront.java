package org.imsg.examples.buildrunner;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Privileged;
import org.imsg.privsep.ops.Program;
import org.imsg.privsep.ops.RunningProgram;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Preload;
import org.imsg.privsep.rights.Promise;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;

/**
 * The half that faces the web. A script that is posted to it is built under a uid of its own; the answer is its output and its
 * errors as they come, how it ended, and what it left in the file {@code result}.
 */
final class WebFront {
    private static final Program BUILD = Program.of(Path.of("/bin/sh"), "build.sh");

    private static final String PREFIX = "build";
    /** The most that a stranger or its build may have this process keep. */
    private static final int MOST = 1 << 20;
    private static final int LONGEST_LINE = 8192;

    /** Whom the half that faces the web becomes; a number needs no entry in the user database. */
    static final int WEB = 64002;

    private final Privileged parent;
    private final Path builds;

    private WebFront(Privileged parent, Path builds) {
        this.parent = parent;
        this.builds = builds;
    }

    /** What the web's half may do by itself: serve on the socket it is given, and put scripts into its directory. */
    static Confinement confinement() {
        return Confinement.none().to(Ids.of(WEB, WEB)).boundingSet().promise(Promise.STDIO, Promise.RPATH,
                Promise.WPATH,
                Promise.CPATH, Promise.INET, Promise.RECVFD);
    }

    public static void main(String[] arguments) throws Exception {
        Preload.standard();
        confinement().complete(); // proves that this process has no right left
        try (Privileged parent = Privileged.over(ImsgChannel.of(Fd.of(3)))) {
            InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
            Fd listener = parent.listen(new InetSocketAddress(loopback, Integer.parseInt(arguments[1])), 10, true);
            WebFront front = new WebFront(parent, Path.of(arguments[0]));
            front.removeLeft();
            Thread.ofPlatform().daemon().start(() -> front.accept(listener));
            parent.awaitEnd(); // the parent is gone: nothing more can be done here
        }
    }

    /** Removes the trees of builds whose process was killed: no build runs before the first connection is accepted. */
    private void removeLeft() {
        try (DirectoryStream<Path> trees = Files.newDirectoryStream(builds, PREFIX + "*")) {
            for (Path tree : trees)
                parent.remove(tree);
        } catch (IOException | DirectoryIteratorException e) {
            System.err.println("a build of before is left: " + e.getMessage());
        }
    }

    private void accept(Fd listener) {
        try {
            for (;;) {
                Fd connection = Sockets.accept(listener);
                Thread.ofVirtual().start(() -> answer(connection));
            }
        } catch (IOException e) {
            System.err.println("no more connections: " + e.getMessage());
        }
    }

    private void answer(Fd connection) {
        try (FdChannel client = new FdChannel(connection)) {
            String script = posted(new BufferedReader(Channels.newReader(client, UTF_8)));
            write(client, "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
            try {
                build(script, client);
            } catch (IOException e) {
                write(client, "not built: " + e.getMessage() + "\n");
            }
        } catch (IOException e) {
            System.err.println("a client is gone: " + e.getMessage());
        }
    }

    private static String posted(BufferedReader request) throws IOException {
        int length = 0;
        for (String line; (line = line(request)) != null && !line.isBlank();)
            if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
                length = length(line.substring(15).strip());
        char[] body = new char[length];
        int read = 0;
        for (int n; read < length && (n = ((Reader) request).read(body, read, length - read)) >= 0;)
            read += n;
        return new String(body, 0, read);
    }

    private static int length(String text) throws IOException {
        if (!text.matches("[0-9]{1,7}") || Integer.parseInt(text) > MOST)
            throw new IOException("a script has 0 to " + MOST + " characters");
        return Integer.parseInt(text);
    }

    /** The next line, or as much of it as is kept: it may never end. Null if there is none. */
    private static String line(BufferedReader from) throws IOException {
        StringBuilder line = new StringBuilder();
        int next;
        while ((next = from.read()) >= 0 && next != '\n')
            if (line.length() < LONGEST_LINE)
                line.append((char) next);
        return next < 0 && line.isEmpty() ? null : line.toString();
    }

    private void build(String script, FdChannel client) throws IOException {
        Path tree = Files.createTempDirectory(builds, PREFIX);
        try {
            Files.writeString(tree.resolve("build.sh"), script);
            try (RunningProgram build = parent.run(BUILD.directory(tree))) {
                build.stdin().close();
                write(client, "uid " + build.uid() + "\n");
                Thread errors = Thread.ofVirtual().start(() -> copy("err ", build.stderr(), client));
                copy("out ", build.stdout(), client);
                join(errors);
                write(client, "exit " + build.waitFor().code() + "\n");
            }
            parent.chown(tree, WEB, WEB); // the build's files are ours now
            Path result = tree.resolve("result");
            if (Files.isRegularFile(result, java.nio.file.LinkOption.NOFOLLOW_LINKS))
                try (InputStream content = Files.newInputStream(result)) {
                    write(client, "result " + new String(content.readNBytes(MOST), UTF_8));
                }
        } finally {
            parent.remove(tree);
        }
    }

    /** Each line as it comes, with a word before it. */
    private static void copy(String word, Fd from, FdChannel to) {
        try (BufferedReader lines = new BufferedReader(Channels.newReader(new FdChannel(from), UTF_8))) {
            for (String line; (line = line(lines)) != null;)
                write(to, word + line + "\n");
        } catch (IOException e) {
            System.err.println("the output is lost from here on: " + e.getMessage());
        }
    }

    private static void write(FdChannel channel, String text) throws IOException {
        channel.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
    }

    private static void join(Thread thread) throws IOException {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new java.io.InterruptedIOException();
        }
    }
}
