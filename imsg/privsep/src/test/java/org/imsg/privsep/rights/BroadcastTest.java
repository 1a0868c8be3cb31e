package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BroadcastTest {
    /** As any of these users the thread would be allowed to kill everybody. */
    @ParameterizedTest
    @CsvSource({"0, 64010", "64010, 0", "-1, 64010", "64010, -1", "4294967295, 64010", "64010, 4294967295",
            "64010, 64010"})
    void root_nobody_in_particular_and_one_user_twice_are_refused(long uid, long nobody) {
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> Broadcast.kill(uid, nobody));
    }
}
