package org.imsg.testing.circle;

/** Needs a hen. */
record Chick() implements Hen {
    @Override
    public Egg lay() {
        return null;
    }
}
