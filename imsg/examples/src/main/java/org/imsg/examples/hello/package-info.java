/** A parent and a child that greet each other: the shortest privilege-separated program. Uses {@code org.imsg.privsep}. */
package org.imsg.examples.hello;
