/**
 * The soak: a daemon, a tap before it, a Netty server, a program with children on demand, a real bgpd and their clients run together
 * under changing load, and what each of them holds in the silences between is drawn and judged.
 */
package org.imsg.bench.soak;
