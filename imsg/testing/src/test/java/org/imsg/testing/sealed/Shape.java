package org.imsg.testing.sealed;

/** A parent that makes its child. */
sealed interface Shape permits Circle {
    static Shape round() {
        return new Circle();
    }
}
