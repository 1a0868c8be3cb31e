/**
 * Tests against real C programs, and what they get those programs by. A test class that needs one is marked
 * {@link org.imsg.interop.RealPeers} and asks {@link org.imsg.interop.Peers}.
 */
package org.imsg.interop;
