package org.imsg;

import org.imsg.sys.OpenDescriptor;

/** Opens what waiting keeps of descriptors before the leak check counts for the first time. */
final class PollersStarted implements Runnable {
    @Override
    public void run() {
        OpenDescriptor.prepareWaiting();
    }
}
