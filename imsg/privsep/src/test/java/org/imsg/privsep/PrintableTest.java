package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Text that comes from elsewhere is shown as what it is. */
class PrintableTest {
    @Test
    void no_line_of_a_text_can_pass_for_a_record_of_its_own_and_no_terminal_obeys_it() {
        assertThat(Printable.of("one\nWARNING other[0]: forged\r\u001b[31m\u0085\u2028\u202e\ttab", 1000))
                .isEqualTo("one\n    | WARNING other[0]: forged\\u000d\\u001b[31m\\u0085\\u2028\\u202e\ttab");
    }

    @Test
    void a_long_text_is_cut_by_what_it_takes_in_the_log_and_says_so() {
        assertThat(Printable.of("\u0001".repeat(100), 30)).isEqualTo("\\u0001".repeat(5) + "... (95 more)");
        assertThat(Printable.of("abc", 3)).isEqualTo("abc");
    }

    @Test
    void a_failure_is_one_line_whatever_its_message() {
        assertThat(Printable.line(new IOException("unlinkat(a\r\nWARNING other[0]: forged\u001b[31m): EPERM",
                new IOException("\u2028two\n\n\tlines\n"))))
                .isEqualTo("unlinkat(a; WARNING other[0]: forged\\u001b[31m): EPERM: ; two; lines");
        assertThat(Printable.line(new java.util.regex.PatternSyntaxException("unclosed", "[a", 1)))
                .doesNotContain("\n");
    }

    @Test
    void a_failure_and_its_causes_are_one_line() {
        assertThat(Printable.line(new IOException("no policy", new IOException("open /p: ENOENT"))))
                .isEqualTo("no policy: open /p: ENOENT");
        assertThat(Printable.line(new NullPointerException("text")))
                .startsWith("java.lang.NullPointerException: text at ").contains("org.imsg.privsep.PrintableTest.");
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void causes_that_go_round_in_a_circle_are_told_once() {
        IOException one = new IOException("no policy");
        one.initCause(new IOException("open /p: ENOENT", one));
        assertThat(Printable.line(one)).isEqualTo("no policy: open /p: ENOENT");
    }
}
