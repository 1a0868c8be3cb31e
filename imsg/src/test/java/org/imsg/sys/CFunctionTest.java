package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class CFunctionTest {
    /** As one that closes descriptors in a child is with musl. */
    @Test
    void a_function_that_the_c_library_lacks_is_refused_by_name() {
        CFunction missing = new CFunction("imsg_is_no_function_of_c");
        for (int again = 0; again < 2; again++)
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(missing::call)
                    .withMessage("the C library has no imsg_is_no_function_of_c");
    }
}
