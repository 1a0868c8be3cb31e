/**
 * The API to read first: {@code ImsgChannel} carries messages and descriptors over a Unix stream socket, {@code Imsg}
 * is one message, {@code Ibuf} builds and takes apart payloads. Uses {@code org.imsg.unix}, {@code org.imsg.wire} and
 * {@code org.imsg.sys}; none of them knows this package.
 */
package org.imsg;
