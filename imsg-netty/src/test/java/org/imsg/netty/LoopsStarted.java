package org.imsg.netty;

import io.netty.channel.EventLoop;
import org.imsg.sys.OpenDescriptor;

/** Starts every loop, which keeps descriptors of its own from then on, before the leak check counts for the first time. */
final class LoopsStarted implements Runnable {
    @Override
    public void run() {
        OpenDescriptor.prepareWaiting();
        Loops.available().forEach(loops -> {
            for (int i = 0; i < 2; i++) {
                EventLoop loop = loops.group().next();
                loop.submit(() -> {}).syncUninterruptibly();
            }
        });
    }
}
