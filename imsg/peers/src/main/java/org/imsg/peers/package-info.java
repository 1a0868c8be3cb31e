/**
 * Clients and servers for daemons people know, one package each: examples of how to write one's own. What they share is
 * here: finding out the program's version, and a server's accepting and ending.
 */
package org.imsg.peers;
