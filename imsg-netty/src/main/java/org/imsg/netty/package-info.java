/**
 * Netty channels that carry bytes and descriptors together, the codec that makes messages of them, and sockets that
 * move between processes. Uses {@code org.imsg.wire} for the framing and {@code org.imsg.sys} for recvmsg and sendmsg;
 * knows nothing of {@code org.imsg.netty.handler}.
 */
package org.imsg.netty;
