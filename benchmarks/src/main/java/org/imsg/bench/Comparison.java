package org.imsg.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * A goal: how our figure is to stand to another's.
 *
 * @param name as it appears in results
 * @param group where both were measured
 * @param ours our contender
 * @param other the other; null to hold ours against the goal itself
 * @param metric which figure
 * @param bound what the goal is
 * @param goal the ratio to reach, or the figure itself where there is no other
 */
public record Comparison(String name, String group, String ours, String other, Metric metric, Bound bound,
        double goal) {

    /** How a ratio is held against its goal. */
    public enum Bound {
        /** More is better. */
        AT_LEAST,
        /** Less is better. */
        AT_MOST,
        /** Less is better, and it is enough if a quarter of the pairs reach it: equal within the spread. */
        AT_MOST_WITHIN_SPREAD,
        /** No goal: shown only. */
        NONE
    }

    /**
     * How it came out.
     *
     * @param comparison what was compared
     * @param ours the median of our figures
     * @param other the median of the other's; 0 if there is none
     * @param ratio of the pairs: median, quartiles, ends
     */
    public record Outcome(Comparison comparison, double ours, double other, Spread ratio) {
        /**
         * Whether the goal is reached.
         *
         * @return true also if there is none
         */
        public boolean reached() {
            return switch (comparison.bound) {
                case AT_LEAST -> ratio.median() >= comparison.goal;
                case AT_MOST -> ratio.median() <= comparison.goal;
                case AT_MOST_WITHIN_SPREAD -> ratio.lowerQuartile() <= comparison.goal;
                case NONE -> true;
            };
        }
    }

    Outcome of(List<Double> oursMeasured, List<Double> otherMeasured) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < oursMeasured.size(); i++)
            ratios.add(oursMeasured.get(i) / (otherMeasured == null ? 1 : otherMeasured.get(i)));
        return new Outcome(this, Spread.of(oursMeasured).median(),
                otherMeasured == null ? 0 : Spread.of(otherMeasured).median(), Spread.of(ratios));
    }
}
