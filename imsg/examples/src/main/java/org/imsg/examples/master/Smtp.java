package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** As much of SMTP as a client needs to hand in messages, each for one recipient. */
final class Smtp {
    private static final int LONGEST_LINE = 2048;
    private static final int LONGEST_MESSAGE = 256 * 1024;
    private static final Pattern RECIPIENT = Pattern.compile("(?i:RCPT TO:) *<([a-z_][a-z0-9_-]{0,31})(@[^>]*)?>.*");

    private final InputStream client;
    private final OutputStream answers;
    private final Recipients recipients;
    private final Submission submission;
    private String recipient = "";

    /** Knows the users of this system. */
    interface Recipients {
        boolean has(String user) throws IOException;
    }

    /** Takes a message. */
    interface Submission {
        /** Returns the message's name in the queue when it is safe there; throws if that is not certain. */
        String queue(String recipient, byte[] text) throws IOException;
    }

    Smtp(InputStream client, OutputStream answers, Recipients recipients, Submission submission) {
        this.client = client;
        this.answers = answers;
        this.recipients = recipients;
        this.submission = submission;
    }

    /** Speaks with the client until it goes. */
    void run() throws IOException {
        say("220 ready");
        for (;;) {
            String line = line();
            if (line == null)
                return;
            switch (line.substring(0, Math.min(4, line.length())).toUpperCase(Locale.ROOT)) {
                case "HELO", "EHLO", "NOOP" -> say("250 ok");
                case "MAIL", "RSET" -> {
                    recipient = "";
                    say("250 ok");
                }
                case "RCPT" -> say(recipient(line));
                case "DATA" -> say(recipient.isEmpty() ? "503 a recipient comes first" : data());
                case "QUIT" -> {
                    say("221 bye");
                    return;
                }
                default -> say("502 not known here");
            }
        }
    }

    private String recipient(String line) throws IOException {
        Matcher words = RECIPIENT.matcher(line);
        if (!recipient.isEmpty())
            return "452 a message has one recipient";
        if (!words.matches() || !recipients.has(words.group(1)))
            return "550 no such user";
        recipient = words.group(1);
        return "250 ok";
    }

    private String data() throws IOException {
        say("354 end with a dot");
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        boolean tooLong = false;
        for (String line; !".".equals(line = line());) {
            if (line == null)
                throw new IOException("the connection ended within a message");
            tooLong |= text.size() + line.length() > LONGEST_MESSAGE;
            if (!tooLong)
                text.write((line.replaceFirst("^\\.", "") + "\n").getBytes(ISO_8859_1));
        }
        String to = recipient;
        recipient = "";
        if (tooLong)
            return "552 longer than " + LONGEST_MESSAGE + " bytes";
        try {
            return "250 queued as " + submission.queue(to, text.toByteArray());
        } catch (IOException _) {
            return "451 perhaps not queued: try again";
        }
    }

    /** The next line, a byte a character; null at the end. Were LF alone an end, what another server passes on as one message could be two. */
    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next; (next = client.read()) != '\n'; line.write(next)) {
            if (next < 0)
                return null;
            if (line.size() == LONGEST_LINE)
                throw new IOException("a line is longer than " + LONGEST_LINE + " bytes");
        }
        String text = line.toString(ISO_8859_1);
        if (!text.endsWith("\r"))
            throw new IOException("a line ends without CR");
        return text.substring(0, text.length() - 1);
    }

    private void say(String answer) throws IOException {
        answers.write((answer + "\r\n").getBytes(ISO_8859_1));
    }
}
