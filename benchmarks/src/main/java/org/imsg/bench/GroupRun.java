package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Measures the contenders of a group in turns. */
final class GroupRun {
    /** Of the time of all processors; what an idle host takes anyway is far less. */
    private static final double MOST_STOLEN = 0.02;

    private final ContenderGroup group;
    private final Effort effort;
    private final Path scratch;
    private final Consumer<String> progress;
    private final Map<String, Series> series = new LinkedHashMap<>();

    GroupRun(ContenderGroup group, Effort effort, Path scratch, Consumer<String> progress) {
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
                pair.warmUp(effort.warmUpSeconds(group.hasEventLoops()), effort.windowSeconds());
            }
            measure(pairs, fork);
        } finally {
            for (MeasuredPair pair : pairs)
                pair.close();
        }
    }

    /** Rounds of one window each. One that the host disturbed is measured again, by all contenders, as often as there are windows. */
    private void measure(List<MeasuredPair> pairs, int fork) throws IOException {
        int again = effort.windows();
        for (int window = 1; window <= effort.windows();) {
            progress.accept(group.name() + ", processes " + fork + "/" + effort.forks() + ": window " + window + "/"
                    + effort.windows());
            Steal before = Steal.now();
            List<Series> round = new ArrayList<>();
            for (MeasuredPair pair : pairs) {
                Series one = new Series();
                one.add(pair.measure(one.roundTrips()));
                round.add(one);
            }
            double stolen = Steal.now().since(before);
            if (stolen > MOST_STOLEN && again-- > 0) {
                progress.accept(String.format(Locale.ROOT, "the host took %.0f %% of the time: again", 100 * stolen));
                continue;
            }
            for (int i = 0; i < pairs.size(); i++)
                series.get(group.contenders().get(i).name()).add(round.get(i));
            window++;
        }
    }
}
