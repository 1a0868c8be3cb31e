package org.imsg.testing.circle;

/** Needs a chick. */
record Egg() {
    Object hatch() {
        return new Chick();
    }
}
