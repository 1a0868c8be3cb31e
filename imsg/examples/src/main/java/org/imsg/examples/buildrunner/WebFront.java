package org.imsg.examples.buildrunner;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.ImsgChannel;
import org.imsg.examples.Connections;
import org.imsg.privsep.ops.Privileged;
import org.imsg.privsep.ops.Program;
import org.imsg.privsep.ops.RunningProgram;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Preload;
import org.imsg.privsep.rights.Promise;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * The half that faces the web. A script that is posted to it is built under a uid of its own; the answer is its output and its
 * errors as they come, how it ended, and what it left in the file {@code result}.
 */
final class WebFront {
    private static final Program BUILD = Program.of(Path.of("/bin/sh"), "build.sh");

    private static final String PREFIX = "build";

    private static final int MOST_CLIENTS = 100, MOST_LINES = 100, LONGEST_LINE = 8192;
    private static final int LONGEST_SCRIPT = 1 << 18, LONGEST_RESULT = 1 << 20;
    private static final Pattern LENGTH = Pattern.compile("(?i)content-length: *([0-9]{1,9}) *");

    /** Whom the half that faces the web becomes; a number needs no entry in the user database. */
    static final int WEB = 64002;

    private final Privileged parent;
    private final Path builds;
    /** How many seconds a connection has, with its build. */
    private final long patience;
    private final SynchronousQueue<Fd> accepted = new SynchronousQueue<>();
    /** The ends of the clients' time. */
    final ScheduledThreadPoolExecutor ends = new ScheduledThreadPoolExecutor(1,
            Thread.ofPlatform().daemon().factory());

    WebFront(Privileged parent, Path builds, long patience) {
        this.parent = parent;
        this.builds = builds;
        this.patience = patience;
        ends.setRemoveOnCancelPolicy(true);
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
            WebFront front = new WebFront(parent, Path.of(arguments[0]), Long.parseLong(arguments[2]));
            front.removeLeft();
            InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"),
                    Integer.parseInt(arguments[1]));
            FutureTask<Fd> listener = new FutureTask<>(() -> parent.listen(address, 10, true));
            front.startThreads(listener);
            listener.run();
            listener.get();
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

    /** In advance: there may be no room for a thread when a client comes. */
    private void startThreads(Future<Fd> listener) {
        ends.prestartCoreThread();
        Thread.ofPlatform().daemon().start(() -> acceptAll(listener));
        for (int i = 0; i < MOST_CLIENTS; i++)
            Thread.ofPlatform().daemon().start(this::answerAll);
    }

    private void acceptAll(Future<Fd> listener) {
        try {
            Connections.accept(listener.get(), System.err::println, connection -> accepted.put(connection.move()));
        } catch (InterruptedException | ExecutionException _) {
            // Without a listener the program ends, and says why.
        }
    }

    private void answerAll() {
        try {
            for (;;)
                answer(accepted.take());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    void answer(Fd connection) {
        try (FdChannel client = new FdChannel(connection)) {
            Future<?> end = ends.schedule(() -> close(client), patience, TimeUnit.SECONDS);
            try {
                answer(client);
            } finally {
                end.cancel(false);
            }
        } catch (IOException _) {
            // The client is gone; strangers fill no log with that.
        } catch (RuntimeException | Error e) {
            System.err.println("a client is not answered: " + e);
        }
    }

    private void answer(FdChannel client) throws IOException {
        Optional<String> script = posted(new BufferedInputStream(Channels.newInputStream(client)));
        if (script.isEmpty()) {
            write(client, "HTTP/1.0 400 Bad Request\r\n\r\n");
            return;
        }
        write(client, "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
        try {
            build(script.get(), client);
        } catch (IOException e) {
            write(client, "not built: " + e.getMessage() + "\n");
        }
    }

    /** A client that says nothing, or does not read, keeps its place no longer. */
    private static void close(FdChannel client) {
        try {
            client.close();
        } catch (IOException e) {
            System.err.println("a client stays: " + e.getMessage());
        }
    }

    /** The script of a request; empty if this is none, or the script is not whole. */
    private static Optional<String> posted(InputStream request) throws IOException {
        int length = 0;
        int lines = 0;
        for (String line; !"".equals(line = line(request));) {
            if (line == null || line.length() >= LONGEST_LINE || ++lines > MOST_LINES)
                return Optional.empty();
            Matcher header = LENGTH.matcher(line);
            if (header.matches())
                length = Integer.parseInt(header.group(1));
        }
        if (length == 0 || length > LONGEST_SCRIPT)
            return Optional.empty();
        byte[] body = request.readNBytes(length);
        return body.length == length ? Optional.of(new String(body, UTF_8)) : Optional.empty();
    }

    /** The next line without its end, a piece of it if it is long; null at the end. */
    private static String line(InputStream from) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int next = 0;
        while (line.size() < LONGEST_LINE && (next = from.read()) >= 0 && next != '\n')
            line.write(next);
        return next < 0 && line.size() == 0 ? null : line.toString(UTF_8).replaceFirst("\r\\z", "");
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
                write(client, "result " + start(result));
        } finally {
            parent.remove(tree);
        }
    }

    /** As much of a file as a client is told. */
    private static String start(Path file) throws IOException {
        try (InputStream bytes = Files.newInputStream(file)) {
            return new String(bytes.readNBytes(LONGEST_RESULT), UTF_8);
        }
    }

    /** Each line as it comes, with a word before it. */
    private static void copy(String word, Fd from, FdChannel to) {
        try (InputStream lines = new BufferedInputStream(Channels.newInputStream(new FdChannel(from)))) {
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
