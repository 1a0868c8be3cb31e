/** Relays that ask a resolver for addresses: roles that are connected with each other. Uses {@code org.imsg.privsep}. */
package org.imsg.examples.relayd;
