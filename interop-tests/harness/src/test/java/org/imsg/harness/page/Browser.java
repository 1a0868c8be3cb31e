package org.imsg.harness.page;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.imsg.harness.describe.JsonObject;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/**
 * A headless Chromium with one page. It is told what to do in the DevTools protocol, which it speaks at descriptors 3 and 4:
 * JSON texts that end with a NUL.
 */
final class Browser implements AutoCloseable {
    /** A browser starts slowly on a machine that does much else. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Child process;
    private final RawSocket in;
    private final RawSocket out;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private final List<String> events = new ArrayList<>();
    private final String session;
    private int calls;

    private Browser(Path program, Path home, int width, int height) throws IOException {
        try (Fd.Pair commands = Fd.socketpair();
                Fd.Pair answers = Fd.socketpair();
                Fd nothing = Fd.open(Path.of("/dev/null"), OpenFlag.READ_WRITE)) {
            process = Child.of(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--no-first-run", "--disable-extensions", "--disable-background-networking",
                    "--user-data-dir=" + home.resolve("profile"), "--window-size=" + width + "," + height,
                    "--remote-debugging-pipe").environment("TMPDIR", home.toString())
                    .environment("HOME", home.toString()).descriptor(1, nothing).descriptor(2, nothing)
                    .descriptor(3, commands.second()).descriptor(4, answers.second()).start();
            in = RawSocket.of(commands.first());
            out = RawSocket.of(answers.first());
        }
        String target = string(call("Target.createTarget", "{\"url\":\"about:blank\"}"), "targetId");
        session = string(call("Target.attachToTarget", "{\"targetId\":\"" + target + "\",\"flatten\":true}"),
                "sessionId");
        for (String what : List.of("Page", "Runtime", "Log", "Network"))
            call(what + ".enable", "{}");
    }

    /** Where the program is, if it is there. */
    static Optional<Path> program() {
        return Stream.of("chromium", "chromium-browser", "google-chrome").map(name -> Path.of("/usr/bin", name))
                .filter(Files::isExecutable).findFirst();
    }

    /** Starts it; the directory is for its files, and those that it leaves. */
    static Browser start(Path program, Path directory) throws IOException {
        return new Browser(program, directory, 1200, 700);
    }

    private String call(String method, String parameters) throws IOException {
        int id = ++calls;
        JsonObject call = new JsonObject().number("id", String.valueOf(id)).string("method", method)
                .number("params", parameters);
        if (session != null)
            call.string("sessionId", session);
        in.send((call + "\0").getBytes(StandardCharsets.UTF_8));
        for (;;) {
            String text = next();
            if (!text.startsWith("{\"id\":" + id + ","))
                events.add(text);
            else if (text.contains("\"error\":{"))
                throw new IOException(method + ": " + text);
            else
                return text;
        }
    }

    private String next() throws IOException {
        for (;;) {
            byte[] bytes = pending.toByteArray();
            for (int at = 0; at < bytes.length; at++)
                if (bytes[at] == 0) {
                    pending.reset();
                    pending.write(bytes, at + 1, bytes.length - at - 1);
                    return new String(bytes, 0, at, StandardCharsets.UTF_8);
                }
            try (Chunk chunk = out.receive(PATIENCE)) {
                if (chunk == null)
                    throw new IOException("the browser has ended");
                pending.writeBytes(chunk.bytes());
            }
        }
    }

    private static String string(String json, String name) throws IOException {
        Matcher found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        if (!found.find())
            throw new IOException("no " + name + " in " + json);
        return found.group(1);
    }

    /** Loads a file, and forgets what was seen of the one before. */
    void open(Path file) throws IOException {
        events.clear();
        call("Page.navigate", new JsonObject().string("url", file.toUri().toString()).toString());
        js("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))");
    }

    /** Evaluates an expression, or waits for a promise; the value as text. */
    String js(String expression) throws IOException {
        String wrapped = "(async () => encodeURIComponent(String(await (" + expression + "))))()";
        String answer = call("Runtime.evaluate", new JsonObject().string("expression", wrapped)
                .number("awaitPromise", "true").number("returnByValue", "true").toString());
        if (answer.contains("\"exceptionDetails\""))
            throw new IOException(expression + ": " + answer);
        return URLDecoder.decode(string(answer, "value"), StandardCharsets.UTF_8);
    }

    /** Presses and lets go a key, named as JavaScript names it. */
    void press(String key) throws IOException {
        for (String type : List.of("keyDown", "keyUp")) {
            JsonObject event = new JsonObject().string("type", type).string("key", key);
            if (key.length() == 1 && type.equals("keyDown"))
                event.string("text", key);
            call("Input.dispatchKeyEvent", event.toString());
        }
    }

    /** Clicks into the middle of the first element that a selector finds. */
    void click(String selector) throws IOException {
        String[] at = js("(r => r.x + r.width / 2 + ' ' + (r.y + r.height / 2))(document.querySelector('" + selector
                + "').getBoundingClientRect())").split(" ");
        for (String type : List.of("mousePressed", "mouseReleased"))
            call("Input.dispatchMouseEvent", new JsonObject().string("type", type).number("x", at[0])
                    .number("y", at[1]).string("button", "left").number("clickCount", "1").toString());
    }

    /** Has the page seen as on a medium, with dark colours or light ones. */
    void media(String medium, String colours) throws IOException {
        call("Emulation.setEmulatedMedia", "{\"media\":\"" + medium
                + "\",\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + colours + "\"}]}");
    }

    byte[] screenshot() throws IOException {
        return Base64.getDecoder().decode(string(call("Page.captureScreenshot", "{\"format\":\"png\"}"), "data"));
    }

    byte[] pdf() throws IOException {
        return Base64.getDecoder().decode(string(call("Page.printToPDF", "{}"), "data"));
    }

    /** Exceptions, and what the browser refused, up to now. */
    List<String> complaints() throws IOException {
        js("1");
        return events.stream().filter(event -> event.contains("\"method\":\"Log.entryAdded\"")
                || event.contains("\"method\":\"Runtime.exceptionThrown\"")).toList();
    }

    /** The addresses of what was loaded. */
    List<String> requests() throws IOException {
        List<String> addresses = new ArrayList<>();
        for (String event : events)
            if (event.contains("\"method\":\"Network.requestWillBeSent\""))
                addresses.add(string(event.substring(event.indexOf("\"request\":{")), "url"));
        return addresses;
    }

    @Override
    public void close() throws IOException {
        try (in; out) {
            in.send("{\"id\":0,\"method\":\"Browser.close\"}\0".getBytes(StandardCharsets.UTF_8));
            if (process.waitFor(PATIENCE).isEmpty()) {
                process.kill(9);
                process.waitFor();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
