package org.imsg.harness.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Looks at several servers side by side: mostly a look waits. */
final class AtOnce {
    /** A look at one of them. */
    interface Look<T> {
        void at(T one) throws Exception;
    }

    private AtOnce() {}

    /** So many at a time; returns when all have been looked at, or throws the first failure. */
    static <T> void run(int atOnce, List<T> all, Look<T> look) throws Exception {
        List<Future<?>> looks = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(atOnce, Thread.ofVirtual().factory())) {
            for (T one : all)
                looks.add(threads.submit(() -> {
                    look.at(one);
                    return null;
                }));
        }
        assertThat(looks).isNotEmpty();
        for (Future<?> one : looks)
            one.get();
    }
}
