/** A packet reader in the manner of tcpdump: the parent opens what takes rights, a child that can do nothing else parses. */
package org.imsg.examples.packets;
