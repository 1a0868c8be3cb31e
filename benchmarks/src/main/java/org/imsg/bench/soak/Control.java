package org.imsg.bench.soak;

import java.io.IOException;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.Fd;

/** A part's end of the channel to the soak, its descriptor 3: what it is asked, and its end. */
final class Control {
    /** Told by a part that serves. */
    static final int READY = 1;
    /** Asks how many bytes of heap are in use after a full collection. */
    static final int HEAP = 2;
    /** Asks for what this part alone does. */
    static final int WORK = 3;

    /** The work of a part that is asked for it. */
    @FunctionalInterface
    interface Work {
        String of(String request) throws Exception;
    }

    private Control() {}

    /** Says that the part is ready and answers from a thread of its own until the soak ends or leaves; the program lasts as long. */
    static void serve(Work work, Runnable atEnd) throws IOException {
        ImsgChannel channel = ImsgChannel.of(Fd.of(3));
        channel.send(Imsg.of(READY));
        Thread.ofPlatform().name("control").start(() -> {
            try (channel) {
                for (Imsg request; (request = channel.receive()) != null;)
                    channel.send(Imsg.of(request.type(), answer(request, work)));
            } catch (Exception e) {
                e.printStackTrace();
            } finally {
                atEnd.run();
            }
        });
    }

    /** For parts that only serve. */
    static void serve() throws IOException {
        serve(_ -> "", () -> System.exit(0));
    }

    private static String answer(Imsg request, Work work) throws Exception {
        if (request.type() == WORK)
            return work.of(request.getString(request.length()));
        return Long.toString(heap());
    }

    /** Collects until nothing more is freed: a thread runs what is to be done for the unreachable, and frees what that kept. */
    private static long heap() {
        for (long before = Long.MAX_VALUE;;) {
            System.gc();
            long now = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
            if (now >= before)
                return before;
            before = now;
        }
    }
}
