package org.imsg.privsep;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.imsg.Imsg;

/** The parent, as {@link Parent} sees it. Made by {@link Privsep#run(String...)}. */
public final class ParentProcess extends Participant {
    private final Runnable stop;
    private final Runnable reload;
    private final BiConsumer<String, Request> asked;

    ParentProcess(String program, List<String> arguments, Set<String> roles, Dispatch dispatch, Runnable stop,
            Runnable reload, BiConsumer<String, Request> asked) {
        super(program, arguments, roles, dispatch);
        this.stop = stop;
        this.reload = reload;
        this.asked = asked;
    }

    /**
     * Stops the program in order: each child's channel is ended; one that does not end then gets SIGTERM and SIGKILL, each
     * after its deadline. {@link Privsep#run(String...)} returns when all have been waited for. Returns at once.
     */
    public void stop() {
        stop.run();
    }

    /** Lets the program read its configuration again, as SIGHUP does. Returns at once. */
    public void reload() {
        reload.run();
    }

    @Override
    Peer ask(String role, Imsg request, Duration patience) throws IOException, InterruptedException {
        CompletableFuture<Peer> fate = new CompletableFuture<>();
        Request asking = new Request(Protocol.request(Protocol.REQUEST, request), patience.toNanos(),
                new Request.Asker() {
                    @Override
                    public void given(Peer to) {
                        fate.complete(to);
                    }

                    @Override
                    public void refused(String why) {
                        fate.completeExceptionally(new RoleBusyException(why));
                    }
                });
        try {
            asked.accept(role, asking);
            return await(fate, patience);
        } finally {
            asking.withdraw();
        }
    }

    @Override
    public String toString() {
        return "parent of " + program();
    }
}
