package org.imsg.interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;

/** The client's side of an SMTP dialogue over a passed descriptor. */
final class Smtp {
    private final ByteChannel channel;
    private final BufferedReader lines;

    Smtp(ByteChannel channel) {
        this.channel = channel;
        this.lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.US_ASCII));
    }

    /** The last line of a reply. */
    String reply() throws IOException {
        for (String line; (line = lines.readLine()) != null;) {
            if (line.length() < 4 || line.charAt(3) != '-')
                return line;
        }
        throw new IOException("the server ended the dialogue");
    }

    String say(String command) throws IOException {
        channel.write(ByteBuffer.wrap((command + "\r\n").getBytes(StandardCharsets.US_ASCII)));
        return reply();
    }
}
