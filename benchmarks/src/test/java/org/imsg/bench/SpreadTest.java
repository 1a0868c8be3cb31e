package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {
    @Test
    void values_are_ordered_first() {
        assertThat(Spread.of(List.of(5.0, 1.0, 3.0, 2.0, 4.0))).isEqualTo(new Spread(1, 2, 3, 4, 5, 5));
    }

    @Test
    void between_two_values_the_way_is_shared() {
        assertThat(Spread.of(List.of(1.0, 2.0)).median()).isEqualTo(1.5);
        assertThat(Spread.of(List.of(0.0, 10.0)).lowerQuartile()).isEqualTo(2.5);
    }

    @Test
    void one_value_is_everything_and_none_is_an_error() {
        assertThat(Spread.of(List.of(7.0))).isEqualTo(new Spread(7, 7, 7, 7, 7, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> Spread.of(List.of()));
    }
}
