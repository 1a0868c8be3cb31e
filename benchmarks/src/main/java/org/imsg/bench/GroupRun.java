package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Measures the contenders of a group in turns. */
final class GroupRun {
    private final Group group;
    private final Effort effort;
    private final Path scratch;
    private final Consumer<String> progress;
    private final Map<String, Series> series = new LinkedHashMap<>();

    GroupRun(Group group, Effort effort, Path scratch, Consumer<String> progress) {
        this.group = group;
        this.effort = effort;
        this.scratch = scratch;
        this.progress = progress;
        group.contenders().forEach(contender -> series.put(contender.name(), new Series()));
    }

    Map<String, Series> run() throws IOException {
        for (int fork = 1; fork <= effort.forks(); fork++)
            runOnce(fork);
        return series;
    }

    private void runOnce(int fork) throws IOException {
        List<MeasuredPair> pairs = new ArrayList<>();
        try {
            for (Contender contender : group.contenders()) {
                progress.accept(group.name() + ", processes " + fork + "/" + effort.forks() + ": warming up "
                        + contender.name());
                MeasuredPair pair = new MeasuredPair(contender, group, scratch);
                pairs.add(pair);
                pair.warmUp(effort.warmUpSeconds(), effort.windowSeconds());
            }
            for (int window = 1; window <= effort.windows(); window++) {
                progress.accept(group.name() + ", processes " + fork + "/" + effort.forks() + ": window " + window + "/"
                        + effort.windows());
                for (int i = 0; i < pairs.size(); i++) {
                    Series into = series.get(group.contenders().get(i).name());
                    into.add(pairs.get(i).measure(into.roundTrips()));
                }
            }
        } finally {
            for (MeasuredPair pair : pairs)
                pair.close();
        }
    }
}
