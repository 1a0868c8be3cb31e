package org.imsg.concurrency;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import java.util.Arrays;
import java.util.List;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/** How Lincheck is run here: system calls are no steps of the model, they happen. */
public final class Model {
    /** Random scenarios, and the orders of each that are tried. */
    private static final int SCENARIOS = 100;
    private static final int ORDERS = 4000;

    private Model() {}

    /** Compares threads that do the operations of a class with one thread that does those of the specification. */
    public static void check(Class<?> operations, Class<?> specification) {
        checking(specification).iterations(scenarios()).invocationsPerIteration(orders()).threads(2)
                .actorsPerThread(2).actorsBefore(1).actorsAfter(1).check(operations);
    }

    /** The same with real threads, in whatever order they happen to run. */
    public static void stress(Class<?> operations, Class<?> specification) {
        new StressOptions().sequentialSpecification(specification).iterations(scenarios())
                .invocationsPerIteration(orders()).threads(2).actorsPerThread(3).actorsBefore(0).actorsAfter(1)
                .check(operations);
    }

    /** One scenario: what each thread does, by the operations' names. */
    public static void check(Class<?> operations, Class<?> specification, String[]... threads) {
        List<List<Actor>> parallel = Arrays.stream(threads)
                .map(names -> Arrays.stream(names).map(name -> actor(operations, name)).toList()).toList();
        checking(specification).iterations(0).invocationsPerIteration((int) Share.of(200_000))
                .addCustomScenario(new ExecutionScenario(List.of(), parallel, List.of(), null)).check(operations);
    }

    private static ModelCheckingOptions checking(Class<?> specification) {
        return new ModelCheckingOptions().sequentialSpecification(specification).minimizeFailedScenario(true)
                .addGuarantee(
                        forClasses("org.imsg.sys.CFunction", "org.imsg.sys.DescriptorCleaner").allMethods().ignore());
    }

    private static int scenarios() {
        return (int) Math.max(3, Share.of(SCENARIOS));
    }

    private static int orders() {
        return (int) Math.max(100, Share.of(ORDERS));
    }

    private static Actor actor(Class<?> operations, String name) {
        try {
            return new Actor(operations.getMethod(name), List.of());
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }
}
