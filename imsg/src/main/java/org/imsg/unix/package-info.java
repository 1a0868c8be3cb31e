/**
 * Descriptors with an owner: opening, passing on and closing them, reading and writing through them, and what Unix sockets
 * know of each other. Uses {@code org.imsg.sys}; knows no message.
 */
package org.imsg.unix;
