package org.imsg.peers.smtpd;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Both sides of an SMTP session over a passed descriptor, as much as local mail needs. */
final class SmtpDialogue {
    private final ByteChannel channel;
    private final BufferedReader lines;

    private SmtpDialogue(ByteChannel channel) {
        this.channel = channel;
        this.lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    }

    static void submit(ByteChannel channel, String sender, List<String> recipients, String mail) throws IOException {
        SmtpDialogue smtp = new SmtpDialogue(channel);
        smtp.expect('2', "the connection");
        smtp.say("EHLO localhost", '2');
        smtp.say("MAIL FROM:<" + sender + ">", '2');
        for (String recipient : recipients)
            smtp.say("RCPT TO:<" + recipient + ">", '2');
        smtp.say("DATA", '3');
        StringBuilder data = new StringBuilder();
        mail.lines().forEach(line -> data.append(line.startsWith(".") ? "." : "").append(line).append("\r\n"));
        smtp.say(data + ".", '2');
        smtp.say("QUIT", '2');
    }

    /** The text behind a line's end would be a command of its own. */
    static void requireOneLine(String address) {
        if (address.chars().anyMatch(c -> c < ' '))
            throw new IllegalArgumentException(
                    "an address has no control characters, unlike one of " + address.length());
    }

    /** Takes one mail, with every sender and recipient accepted; null if the client leaves without one. */
    static @Nullable Mail take(ByteChannel channel) throws IOException {
        SmtpDialogue smtp = new SmtpDialogue(channel);
        String sender = "";
        List<String> recipients = new ArrayList<>();
        Mail taken = null;
        smtp.write("220 localhost ESMTP");
        for (String line; (line = smtp.lines.readLine()) != null;) {
            String verb = line.length() < 4 ? line : line.substring(0, 4).toUpperCase(java.util.Locale.ROOT);
            switch (verb) {
                case "MAIL" -> {
                    sender = address(line);
                    smtp.write("250 ok");
                }
                case "RCPT" -> {
                    recipients.add(address(line));
                    smtp.write("250 ok");
                }
                case "DATA" -> {
                    smtp.write("354 go ahead");
                    taken = new Mail(sender, recipients, smtp.data());
                    smtp.write("250 taken");
                }
                case "QUIT" -> {
                    smtp.write("221 bye");
                    return taken;
                }
                default -> smtp.write("250 localhost");
            }
        }
        return taken;
    }

    private static String address(String line) {
        return line.substring(line.indexOf('<') + 1, line.indexOf('>'));
    }

    private String data() throws IOException {
        StringBuilder mail = new StringBuilder();
        for (String line; (line = lines.readLine()) != null;) {
            if (line.equals("."))
                return mail.toString();
            mail.append(line, line.startsWith(".") ? 1 : 0, line.length()).append('\n');
        }
        throw new EOFException("the client left in the middle of its mail");
    }

    private void say(String command, char expected) throws IOException {
        write(command);
        expect(expected, command.lines().findFirst().orElse(""));
    }

    private void expect(char first, String what) throws IOException {
        String line = lines.readLine();
        while (line != null && line.length() > 3 && line.charAt(3) == '-')
            line = lines.readLine();
        if (line == null)
            throw new EOFException("smtpd ended the session after " + what);
        if (line.charAt(0) != first)
            throw new IOException("smtpd answered " + what + " with " + line);
    }

    private void write(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\r\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining())
            channel.write(bytes);
    }
}
