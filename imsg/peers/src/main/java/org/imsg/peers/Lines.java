package org.imsg.peers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

import org.imsg.unix.FdChannel;
import org.jspecify.annotations.Nullable;

/** Lines of text from another program, which may send without end. For one thread at a time. */
public final class Lines {
    private final String sender;
    private final FdChannel channel;
    private final ByteBuffer read = ByteBuffer.allocate(8192).limit(0);
    private int allowed;
    private int left;

    /**
     * Begins to read; no byte is allowed yet.
     *
     * @param sender who sends, for errors
     * @param channel where; stays the caller's
     */
    public Lines(String sender, FdChannel channel) {
        this.sender = sender;
        this.channel = channel;
    }

    /**
     * Sets how many bytes the lines that come now may have together.
     *
     * @param bytes the number, with the lines' ends
     */
    public void allow(int bytes) {
        allowed = bytes;
        left = bytes;
    }

    /**
     * Reads a line.
     *
     * @return the line, without the LF or CR LF at its end; null at the end of the stream
     * @throws IOException if more bytes come than are allowed, or as {@link FdChannel#read(ByteBuffer)}
     */
    public @Nullable String next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (read.hasRemaining() || fill()) {
            int from = read.position();
            int to = from;
            while (to < read.limit() && read.get(to) != '\n')
                to++;
            boolean whole = to < read.limit();
            read.position(whole ? to + 1 : to);
            left -= read.position() - from;
            if (left < 0)
                throw new IOException(sender + " sent more than " + allowed + " bytes where that many are allowed");
            line.write(read.array(), from, to - from);
            if (whole)
                return text(line);
        }
        return line.size() == 0 ? null : text(line);
    }

    private static String text(ByteArrayOutputStream line) {
        String text = line.toString(StandardCharsets.UTF_8);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    private boolean fill() throws IOException {
        int n = channel.read(read.clear());
        read.flip();
        return n > 0;
    }
}
