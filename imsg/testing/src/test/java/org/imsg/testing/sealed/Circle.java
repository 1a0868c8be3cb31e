package org.imsg.testing.sealed;

/** The child. */
record Circle() implements Shape {}
