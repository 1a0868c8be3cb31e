package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class FileLayersTest {
    private static final Path CLASSES = Path.of("target", "test-classes");
    private static final String CIRCLE = "org.imsg.testing.circle";

    @Test
    void a_circle_is_named_with_every_file_in_it() {
        assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> FileLayers.of(CLASSES, CIRCLE).check())
                .withMessage("a circle: org.imsg.testing.circle.Chick -> org.imsg.testing.circle.Egg"
                        + " -> org.imsg.testing.circle.Chick"
                        + "\na circle: org.imsg.testing.circle.Chick -> org.imsg.testing.circle.Hen"
                        + " -> org.imsg.testing.circle.Egg -> org.imsg.testing.circle.Chick");
    }

    @Test
    void an_arrow_that_is_allowed_closes_no_circle() {
        assertThatCode(
                () -> FileLayers.of(CLASSES, CIRCLE).allow(CIRCLE + ".Egg", CIRCLE + ".Chick", "a reason").check())
                .doesNotThrowAnyException();
    }

    @Test
    void an_arrow_that_is_allowed_for_nothing_is_refused() {
        FileLayers layers = FileLayers.of(CLASSES, "org.imsg.testing.sealed").allow("org.imsg.testing.sealed.Circle",
                "org.imsg.testing.sealed.Shape", "a reason");
        assertThatExceptionOfType(AssertionError.class).isThrownBy(layers::check)
                .withMessage("allowed for nothing: org.imsg.testing.sealed.Circle -> org.imsg.testing.sealed.Shape");
    }

    @Test
    void a_sealed_parent_and_its_children_may_need_each_other() {
        assertThatCode(() -> FileLayers.of(CLASSES, "org.imsg.testing.sealed").check()).doesNotThrowAnyException();
    }

    @Test
    void nothing_to_look_at_is_an_error() {
        assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> FileLayers.of(CLASSES, "org.nowhere"));
    }
}
