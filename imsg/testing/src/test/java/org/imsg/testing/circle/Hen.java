package org.imsg.testing.circle;

/** Needs an egg, in a descriptor only. */
interface Hen {
    Egg lay();
}
