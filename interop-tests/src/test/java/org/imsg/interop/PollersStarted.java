package org.imsg.interop;

import org.imsg.sys.OpenDescriptor;

import org.imsg.ImsgChannel;

/**
 * Starts the shared pollers and event loops, which keep descriptors from then on, before the leak check counts for the first
 * time.
 */
final class PollersStarted implements Runnable {
    @Override
    public void run() {
        NettyKind.startLoops();
        OpenDescriptor.prepareWaiting();
    }
}
