package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Collections;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The last value that is taken, and the first that is not: a request is refused by them. */
class BoundariesTest {
    private static void refused(ThrowingCallable call) {
        assertThatIllegalArgumentException().isThrownBy(call);
    }

    @Test
    void an_id_is_0_to_the_last_but_one_of_32_bits() {
        assertThat(new IdRange(0, 0xFFFF_FFFEL)).hasToString("0-4294967294");
        assertThat(new IdRange(5, 5)).hasToString("5");
        refused(() -> new IdRange(0, 0xFFFF_FFFFL));
        refused(() -> new IdRange(-1, 5));
        refused(() -> new IdRange(6, 5));
    }

    @ParameterizedTest
    @CsvSource({"/x,/,x", "/etc/x,/etc,x", "/,/,", "/etc/,/etc,"})
    void a_place_is_a_directory_of_the_rule_and_what_lies_beneath(String rule, String root, String name) {
        PolicyPath.Place place = PolicyPath.parse(rule, true).find(name == null ? rule + "y/z" : rule).orElseThrow();
        assertThat(place.root()).isEqualTo(root);
        assertThat(place.relative()).isEqualTo(name == null ? "y/z" : name);
        assertThat(place.name()).isEqualTo(name == null ? "z" : name);
        assertThat(place).hasToString(name == null ? rule + "y/z" : rule);
    }

    @Test
    void a_path_has_4095_characters_at_most() {
        String longest = "/" + "a".repeat(4094);
        assertThat(PolicyPath.fault(longest)).isEmpty();
        assertThat(PolicyPath.fault(longest + "a")).hasValueSatisfying(fault -> assertThat(fault).contains("4095"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\0", "\0a", "a\0"})
    void a_string_of_a_request_has_no_nul_wherever_it_is(String string) {
        try (Ibuf payload = Ibuf.dynamic(0, 100_000)) {
            refused(() -> Fields.addString(payload, string));
        }
    }

    @Test
    void a_string_and_a_list_of_a_request_have_65535_bytes_and_strings_at_most() {
        try (Ibuf payload = Ibuf.dynamic(0, 1_000_000)) {
            Fields.addString(payload, "a".repeat(65_535));
            refused(() -> Fields.addString(payload, "a".repeat(65_536)));
            Fields.addList(payload, Collections.nCopies(65_535, ""));
            refused(() -> Fields.addList(payload, Collections.nCopies(65_536, "")));
        }
    }

    @Test
    void the_number_of_a_value_that_is_none_is_no_request() throws Exception {
        assertThat(Fields.of(Imsg.of(1, new byte[]{1})).oneOf("kind", new String[]{"a", "b"})).isEqualTo("b");
        assertThatExceptionOfType(MalformedRequestException.class)
                .isThrownBy(() -> Fields.of(Imsg.of(1, new byte[]{2})).oneOf("kind", new String[]{"a", "b"}))
                .withMessageContaining("0 to 1");
    }

    @Test
    void limits_have_their_least_and_their_most() {
        Duration shortest = Duration.ofNanos(1);
        assertThat(new Limits(1, 1, 1, 0, 0, 1, 1, shortest, shortest).threads()).isEqualTo(1);
        assertThat(new Limits(1_000_000, 1, 1, 0, 0, 1024, 1_000_000, shortest, shortest).threads()).isEqualTo(1024);
        refused(() -> new Limits(0, 1, 1, 0, 0, 1, 1, shortest, shortest));
        refused(() -> new Limits(1_000_001, 1, 1, 0, 0, 1, 1, shortest, shortest));
        refused(() -> new Limits(1, 0, 1, 0, 0, 1, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 0, 0, 0, 1, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, -1, 0, 1, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, 0, -1, 1, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, 0, 0, 0, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, 0, 0, 1025, 1, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, 0, 0, 1, 0, shortest, shortest));
        refused(() -> new Limits(1, 1, 1, 0, 0, 1, 1, Duration.ZERO, shortest));
        refused(() -> new Limits(1, 1, 1, 0, 0, 1, 1, shortest, Duration.ZERO));
    }

    @Test
    void a_text_of_the_log_is_cut_when_it_is_longer_than_5000_characters() {
        String longest = "a".repeat(5000);
        assertThat(LogText.shortened(longest)).isEqualTo(longest);
        assertThat(LogText.shortened(longest + "b")).isEqualTo(longest + "... and 1 characters more");
    }

    @ParameterizedTest
    @ValueSource(strings = {"65536", "1-65536", "2-1", "65535-65536"})
    void a_port_that_is_none_is_no_rule(String ports) {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of("bind tcp *:" + ports));
        assertThat(Policy.of("bind tcp *:0-65535", "bind tcp *:65535-65535")).isNotNull();
    }
}
