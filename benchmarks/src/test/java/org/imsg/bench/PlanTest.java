package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PlanTest {
    private static final Pinning PINNING = new Pinning(Optional.empty(), 0, 0);
    private static final Contender LIBFRR = Contender.c("libfrr", Path.of("bench-frr"), Contender.Seen.NOTHING);

    private static List<ContenderGroup> groups(Contender frr, boolean full) {
        return new Plan(PINNING, new Contenders(Path.of("programs"), frr), full).groups();
    }

    @Test
    void every_comparison_is_between_contenders_of_a_group_that_is_measured() {
        Map<String, ContenderGroup> groups = groups(LIBFRR, false).stream()
                .collect(Collectors.toMap(ContenderGroup::name, Function.identity()));
        for (Comparison comparison : Plan.comparisons()) {
            if (comparison.group().startsWith("routes-") || comparison.group().equals(ConnectionProcess.NAME))
                continue;
            assertThat(groups).containsKey(comparison.group());
            List<String> names = groups.get(comparison.group()).contenders().stream().map(Contender::name).toList();
            assertThat(names).contains(comparison.ours());
            if (comparison.other() != null)
                assertThat(names).contains(comparison.other());
        }
    }

    @Test
    void names_are_given_once() {
        assertThat(groups(LIBFRR, true)).extracting(ContenderGroup::name).doesNotHaveDuplicates();
        assertThat(Plan.comparisons()).extracting(Comparison::name).doesNotHaveDuplicates();
        for (ContenderGroup group : groups(LIBFRR, true))
            assertThat(group.contenders()).extracting(Contender::name).doesNotHaveDuplicates();
    }

    @Test
    void who_cannot_be_had_is_left_out() {
        for (ContenderGroup group : groups(Contenders.ABSENT, true))
            assertThat(group.contenders()).isNotEmpty().doesNotContain(Contenders.ABSENT, LIBFRR);
    }

    @Test
    void the_short_pass_takes_at_most_ten_minutes() {
        double seconds = 0;
        double start = 0.7;
        for (ContenderGroup group : groups(LIBFRR, false))
            seconds += group.contenders().size() * Effort.SHORT.forks()
                    * (start + Effort.SHORT.warmUpSeconds(group.hasEventLoops())
                            + Effort.SHORT.windows() * Effort.SHORT.windowSeconds());
        assertThat(seconds).isLessThan(540);
        assertThat(Effort.SHORT.pairs()).isGreaterThanOrEqualTo(5);
    }
}
