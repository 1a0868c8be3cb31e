/**
 * Unix stream sockets as the kernel has them: bytes, and descriptors at certain bytes, without any framing. What the rest of
 * the harness misbehaves with, and looks on with. Uses {@code org.imsg.unix}.
 */
package org.imsg.harness.stream;
