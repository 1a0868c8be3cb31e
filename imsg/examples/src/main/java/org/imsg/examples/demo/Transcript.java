package org.imsg.examples.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import org.imsg.DescriptorState;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;

/** A channel whose messages are printed as they pass: who, type, id, pid, length, descriptor, and the payload as text. */
final class Transcript {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ImsgChannel channel;
    private final String peer;
    private final PrintStream out;

    Transcript(ImsgChannel channel, String peer, PrintStream out) {
        this.channel = channel;
        this.peer = peer;
        this.out = out;
    }

    static void printHeading(PrintStream out) {
        out.printf("  %-16s %6s %6s %10s %6s  %-10s %s%n", "who", "type", "id", "pid", "length", "descriptor",
                "payload");
    }

    void send(Imsg message) throws IOException {
        print("java -> " + peer, message, message.pid() == 0 ? ProcessHandle.current().pid() : message.pid());
        channel.send(message, PATIENCE);
    }

    /** The next message; the end of the stream is an error here. */
    Imsg receive() throws IOException {
        Imsg message = channel.receive(PATIENCE);
        if (message == null)
            throw new IOException(peer + " closed the channel");
        print(peer + " -> java", message, message.pid());
        return message;
    }

    private void print(String who, Imsg message, long pid) {
        String type = Integer.toUnsignedString(message.type());
        String id = Integer.toUnsignedString(message.id());
        String descriptor = message.descriptor() == DescriptorState.NONE ? "-" : "yes";
        out.printf(Locale.ROOT, "  %-16s %6s %6s %10s %6d  %-10s %s%n", who, type, id,
                Integer.toUnsignedString((int) pid),
                message.length() + ImsgChannel.HEADER_SIZE, descriptor, text(message.payload()));
    }

    private static String text(byte[] payload) {
        StringBuilder text = new StringBuilder("\"");
        for (char c : new String(payload, StandardCharsets.ISO_8859_1).toCharArray())
            text.append(c >= ' ' && c < 127 ? String.valueOf(c) : c == '\n' ? "\\n" : "\\x%02x".formatted((int) c));
        return payload.length == 0 ? "" : text.append('"').toString();
    }
}
