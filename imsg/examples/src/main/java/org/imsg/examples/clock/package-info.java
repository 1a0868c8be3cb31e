/** An NTP client in the manner of OpenNTPD: one child talks to servers, one resolves names, the parent sets the clock. */
package org.imsg.examples.clock;
