package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a client says, and what it is answered. */
class SmtpTest {
    private final ByteArrayOutputStream answers = new ByteArrayOutputStream();
    private final List<String> queued = new ArrayList<>();

    private List<String> say(String... lines) throws IOException {
        byte[] said = (String.join("\r\n", lines) + "\r\n").getBytes(ISO_8859_1);
        new Smtp(new ByteArrayInputStream(said), answers, "anna"::equals, (recipient, text) -> {
            if (text.length > 1000)
                throw new IOException("no");
            queued.add(recipient + ":" + new String(text, ISO_8859_1));
            return "q" + queued.size();
        }).run();
        return answers.toString(ISO_8859_1).lines().toList();
    }

    @Test
    void a_message_for_a_user_is_queued_as_it_was_said() throws IOException {
        assertThat(say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<anna@here>", "DATA", "one", "..", "\u00ff", ".", "QUIT"))
                .containsExactly("220 ready", "250 ok", "250 ok", "250 ok", "354 end with a dot", "250 queued as q1",
                        "221 bye");
        assertThat(queued).containsExactly("anna:one\n.\n\u00ff\n");
    }

    @Test
    void a_recipient_is_one_user_of_this_system_and_comes_before_the_text() throws IOException {
        assertThat(say("DATA", "RCPT TO:<berta>", "RCPT TO:<../anna>", "rcpt to:<anna>", "RCPT TO:<anna>", "RSET",
                "DATA", "VRFY")).containsExactly("220 ready", "503 a recipient comes first", "550 no such user",
                        "550 no such user", "250 ok", "452 a message has one recipient", "250 ok",
                        "503 a recipient comes first", "502 not known here");
        assertThat(queued).isEmpty();
    }

    @Test
    void a_message_that_may_not_be_queued_or_is_too_long_is_not_said_to_be() throws IOException {
        assertThat(say("RCPT TO:<anna>", "DATA", "x".repeat(1100), ".")).last().asString().startsWith("451");
        String[] endless = new String[260];
        java.util.Arrays.fill(endless, "x".repeat(1020));
        endless[0] = "RCPT TO:<anna>";
        endless[1] = "DATA";
        endless[259] = ".";
        assertThat(say(endless)).last().asString().startsWith("552");
        assertThat(queued).isEmpty();
    }

    /** A server may have passed on such lines within one message: no client would have sent the second. */
    @Test
    void a_line_that_ends_without_a_carriage_return_ends_the_connection_and_no_message() {
        for (String sly : List.of("one\n.\nMAIL FROM:<root@here>", "one\r\n.\nMAIL FROM:<root@here>", "one\n.",
                "\u0085\n"))
            assertThatExceptionOfType(IOException.class).as(sly)
                    .isThrownBy(() -> say("RCPT TO:<anna>", "DATA", sly, "RCPT TO:<anna>", "DATA", "two", "."));
        assertThat(queued).isEmpty();
    }

    @Test
    void a_message_without_its_end_is_not_queued() {
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> say("RCPT TO:<anna>", "DATA", "half"));
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> say("x".repeat(3000)));
        assertThat(queued).isEmpty();
    }
}
