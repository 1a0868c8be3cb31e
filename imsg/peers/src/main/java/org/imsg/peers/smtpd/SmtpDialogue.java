package org.imsg.peers.smtpd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

import org.imsg.peers.Answers;
import org.imsg.peers.Lines;
import org.imsg.unix.FdChannel;
import org.jspecify.annotations.Nullable;

/** Both sides of an SMTP session over a passed descriptor, as much as local mail needs. */
final class SmtpDialogue {
    /** As RFC 5321 has it for a server that waits for a command. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    /** Bytes of a command, or of a reply with all its lines. */
    private static final int LONGEST = 1 << 16;
    private static final Set<String> OF_A_MAIL = Set.of("MAIL", "RCPT", "DATA");

    private final FdChannel channel;
    private final Lines lines;

    private SmtpDialogue(FdChannel channel, String peer) {
        this.channel = channel;
        this.lines = new Lines(peer, channel);
    }

    static void submit(FdChannel channel, String sender, List<String> recipients, String mail) throws IOException {
        SmtpDialogue smtp = new SmtpDialogue(channel.timeout(Answers.PATIENCE), "smtpd");
        smtp.expect("2", "the connection");
        smtp.say("EHLO localhost", "2");
        smtp.say("MAIL FROM:<" + sender + ">", "2");
        for (String recipient : recipients)
            smtp.say("RCPT TO:<" + recipient + ">", "2");
        smtp.say("DATA", "3");
        StringBuilder data = new StringBuilder();
        mail.lines().forEach(line -> data.append(line.startsWith(".") ? "." : "").append(line).append("\r\n"));
        smtp.say(data + ".", "2");
        smtp.say("QUIT", "2");
    }

    /** The text behind a line's end would be a command of its own. */
    static void requireOneLine(String address) {
        if (address.chars().anyMatch(c -> c < ' '))
            throw new IllegalArgumentException(
                    "an address has no control characters, unlike one of " + address.length());
    }

    /** Takes one mail, with every sender and as many recipients accepted as are allowed; null if the client leaves without one. */
    static @Nullable Mail take(FdChannel channel) throws IOException {
        SmtpDialogue smtp = new SmtpDialogue(channel.timeout(PATIENCE), "the client");
        String sender = "";
        List<String> recipients = new ArrayList<>();
        Mail taken = null;
        smtp.write("220 localhost ESMTP");
        for (String line; (line = smtp.line()) != null;) {
            String verb = line.length() < 4 ? line : line.substring(0, 4).toUpperCase(Locale.ROOT);
            String address = line.substring(line.indexOf('<') + 1, Math.max(line.indexOf('<') + 1, line.indexOf('>')));
            if (taken != null && OF_A_MAIL.contains(verb)) {
                smtp.write("503 one mail a session");
                continue;
            }
            switch (verb) {
                case "MAIL" -> {
                    sender = address;
                    smtp.write("250 ok");
                }
                case "RCPT" -> {
                    boolean full = recipients.size() == Mail.MAX_RECIPIENTS;
                    if (!full)
                        recipients.add(address);
                    smtp.write(full ? "452 no more than " + Mail.MAX_RECIPIENTS + " recipients" : "250 ok");
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

    private @Nullable String line() throws IOException {
        lines.allow(LONGEST);
        return lines.next();
    }

    private String data() throws IOException {
        StringBuilder mail = new StringBuilder();
        lines.allow(Mail.MAX_SIZE);
        for (String line; (line = lines.next()) != null;) {
            if (line.equals("."))
                return mail.toString();
            mail.append(line, line.startsWith(".") ? 1 : 0, line.length()).append('\n');
        }
        throw new EOFException("the client left in the middle of its mail");
    }

    private void say(String command, String expected) throws IOException {
        write(command);
        expect(expected, command.lines().findFirst().orElse(""));
    }

    private void expect(String first, String what) throws IOException {
        String line = line();
        while (line != null && line.length() > 3 && line.charAt(3) == '-')
            line = lines.next();
        if (line == null)
            throw new EOFException("smtpd ended the session after " + what);
        if (!line.startsWith(first))
            throw new IOException("smtpd answered " + what + " with " + line);
    }

    private void write(String line) throws IOException {
        channel.write(ByteBuffer.wrap((line + "\r\n").getBytes(StandardCharsets.UTF_8)));
    }
}
