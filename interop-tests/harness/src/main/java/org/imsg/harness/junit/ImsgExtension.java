package org.imsg.harness.junit;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.harness.debian.PeerUnavailableException;
import org.imsg.harness.debian.Smtpd;
import org.imsg.harness.debian.TmuxServer;
import org.imsg.harness.record.Direction;
import org.imsg.harness.scripted.PeerFailedError;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Gives a test what it asks for by the types of its parameters, and closes it in reverse order when the test has ended.
 *
 * <p>A test fails whose peer has failed in another thread: by {@link ScriptedPeer#follow(ScriptedPeer.Steps)}, in a thread of the test's own, or in a
 * {@link ScriptedServer} that the test closes. What the test itself threw then, mostly that it waited in vain, is suppressed.
 *
 * <p>A test that leaves descriptors open is failed, and each is named. Those are counted that imsg opened or received in the test's
 * thread or in one that it started, and with them, unless JUnit runs tests in parallel
 * ({@code junit.jupiter.execution.parallel.enabled}), all others that are new in this process, as far as /proc tells. A
 * descriptor is left if it stays open for two seconds, or as long as the configuration parameter
 * {@code imsg.harness.patience.milliseconds} says.
 *
 * <ul>
 * <li>{@link Fd.Pair}, {@link RawSocket.Pair}: a socketpair
 * <li>{@link ImsgChannel.Pair}: two connected channels; descriptors pass
 * <li>{@link ScriptedPeer} and {@link ImsgChannel}, together: a peer and the channel that is connected to it, which is a client's;
 * {@link Speaks} at the peer names its format and side
 * <li>{@link ImsgListener}: at a path of its own
 * <li>{@link DebianChroot}, {@link Bgpd}, {@link Ntpd}, {@link Smtpd}, {@link TmuxServer} with {@link FromDebian}: a real one;
 * where it cannot be had the test is skipped with the reason, or failed if IMSG_PEERS=required is in the environment
 * </ul>
 */
public final class ImsgExtension
        implements
            ParameterResolver,
            BeforeEachCallback,
            AfterEachCallback,
            InvocationInterceptor,
            TestExecutionExceptionHandler,
            LifecycleMethodExecutionExceptionHandler {
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(ImsgExtension.class);
    private static final List<Class<?>> PLAIN = List.of(Fd.Pair.class, RawSocket.Pair.class, ImsgChannel.Pair.class,
            ScriptedPeer.class, ImsgChannel.class, ImsgListener.class);
    private static final List<Class<?>> DEBIAN = List.of(DebianChroot.class, Bgpd.class, Ntpd.class, Smtpd.class,
            TmuxServer.class);

    /** For JUnit. */
    public ImsgExtension() {}

    /** What a test was given, the last first. */
    private static final class Given {
        final Deque<AutoCloseable> things = new ArrayDeque<>();
        final Set<Thread> threads = ConcurrentHashMap.newKeySet();
        final TestDescriptors descriptors;
        @Nullable
        ImsgChannel channel;
        @Nullable
        ScriptedPeer peer;
        @Nullable
        PeerFailedError told;

        Given(ExtensionContext context) {
            boolean parallel = context
                    .getConfigurationParameter("junit.jupiter.execution.parallel.enabled", Boolean::valueOf)
                    .orElse(false);
            descriptors = TestDescriptors.count(!parallel);
            threads.add(Thread.currentThread());
        }

        Optional<PeerFailedError> peerFailure() {
            return Optional.ofNullable(peer).flatMap(ScriptedPeer::failure)
                    .filter(failed -> !threads.contains(failed.thread()));
        }

        <T extends AutoCloseable> T keep(T thing) {
            things.push(thing);
            return thing;
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        given(context);
    }

    private static Given given(ExtensionContext context) {
        return context.getStore(NAMESPACE).getOrComputeIfAbsent(context.getUniqueId(), _ -> new Given(context),
                Given.class);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        if (context.getTestMethod().isEmpty())
            return false; // what a class is given as a whole would not be closed
        return PLAIN.contains(type) || DEBIAN.contains(type) && parameter.isAnnotated(FromDebian.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        try {
            return PLAIN.contains(type)
                    ? plain(parameter, given(context))
                    : debian(type, parameter.findAnnotation(FromDebian.class).orElseThrow().value(), given(context));
        } catch (PeerUnavailableException e) {
            if ("required".equals(System.getenv("IMSG_PEERS")))
                throw new ParameterResolutionException("IMSG_PEERS=required, but " + e.getMessage(), e);
            return Assumptions.<Object>abort(e.getMessage());
        } catch (IOException e) {
            throw new ParameterResolutionException("there is no " + type.getSimpleName() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ParameterResolutionException("interrupted", e);
        }
    }

    private static Object plain(ParameterContext parameter, Given given) throws IOException {
        Class<?> type = parameter.getParameter().getType();
        if (type == Fd.Pair.class)
            return given.keep(Fd.socketpair());
        if (type == RawSocket.Pair.class)
            return given.keep(RawSocket.pair());
        if (type == ImsgListener.class)
            return listener(given);
        if (type == ImsgChannel.Pair.class) {
            ImsgChannel.Pair pair = given.keep(ImsgChannel.pair());
            pair.first().assume(WireFormat.MODERN).allowFdPassing();
            pair.second().assume(WireFormat.MODERN).allowFdPassing();
            return pair;
        }
        if (given.channel == null)
            connect(given, Arrays.stream(parameter.getDeclaringExecutable().getParameters())
                    .map(one -> one.getAnnotation(Speaks.class)).filter(Objects::nonNull).findFirst());
        return type == ImsgChannel.class ? given.channel : given.peer;
    }

    private static ImsgListener listener(Given given) throws IOException {
        Path directory = Files.createTempDirectory("imsg");
        given.keep(() -> Files.delete(directory));
        return given.keep(ImsgListener.listen(directory.resolve("socket")));
    }

    private static void connect(Given given, Optional<Speaks> said) throws IOException {
        Fd.Pair pair = given.keep(Fd.socketpair());
        WireFormat format = said.map(Speaks::value).orElse(WireFormat.AUTO);
        Speaks.Side side = said.map(Speaks::as).orElse(Speaks.Side.SERVER);
        given.peer = given.keep(ScriptedPeer.of(RawSocket.of(pair.first()),
                side == Speaks.Side.SERVER ? Direction.TO_CLIENT : Direction.TO_SERVER, format));
        given.channel = given.keep(ImsgChannel.of(pair.second()).allowFdPassing());
        if (format != WireFormat.AUTO)
            given.channel.assume(format);
    }

    private static Object debian(Class<?> type, DebianSuite suite, Given given)
            throws IOException, InterruptedException, PeerUnavailableException {
        DebianChroot chroot = DebianChroot.of(suite);
        if (type == DebianChroot.class)
            return chroot;
        if (type == Bgpd.class)
            return given.keep(Bgpd.start(chroot, 65001, List.of()));
        if (type == Ntpd.class)
            return given.keep(Ntpd.start(chroot));
        return type == Smtpd.class ? given.keep(Smtpd.start(chroot)) : given.keep(TmuxServer.start(chroot));
    }

    @Override
    public void interceptTestMethod(Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
        given(context).threads.add(Thread.currentThread()); // one of its own where @Timeout says so
        invocation.proceed();
    }

    @Override
    public void interceptTestTemplateMethod(Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
        interceptTestMethod(invocation, method, context);
    }

    @Override
    public void handleBeforeEachMethodExecutionException(ExtensionContext context, Throwable thrown)
            throws Throwable {
        handleTestExecutionException(context, thrown);
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable thrown) throws Throwable {
        Given given = given(context);
        PeerFailedError failed = given.peerFailure().or(() -> closedWith(thrown)).orElse(null);
        if (failed == null || failed == thrown)
            throw thrown;
        given.told = failed;
        if (!failed.isCertain() && !isTimeout(thrown)) {
            if (!Arrays.asList(thrown.getSuppressed()).contains(failed))
                thrown.addSuppressed(failed);
            throw thrown;
        }
        AssertionError first = new AssertionError(failed.getMessage(), failed.getCause());
        first.setStackTrace(failed.getStackTrace());
        first.addSuppressed(thrown);
        throw first;
    }

    /** What a scripted server threw when it was closed, since the test had failed already. */
    private static Optional<PeerFailedError> closedWith(Throwable thrown) {
        return Arrays.stream(thrown.getSuppressed()).filter(PeerFailedError.class::isInstance)
                .map(PeerFailedError.class::cast).findFirst();
    }

    /** Of a hundred causes: they may go round in a circle. */
    private static boolean isTimeout(Throwable thrown) {
        return Stream.iterate(thrown, Objects::nonNull, Throwable::getCause).limit(100)
                .anyMatch(one -> one instanceof SocketTimeoutException || one instanceof TimeoutException);
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        Given given = given(context);
        List<Throwable> failures = new ArrayList<>();
        while (!given.things.isEmpty())
            try {
                given.things.pop().close();
            } catch (Exception | AssertionError e) {
                failures.add(e);
            }
        given.peerFailure().ifPresent(failures::add);
        Set<String> left = given.descriptors.left(Duration.ofMillis(
                context.getConfigurationParameter("imsg.harness.patience.milliseconds", Long::valueOf).orElse(2000L)));
        if (!left.isEmpty())
            failures.add(new AssertionError(
                    context.getDisplayName() + " leaves descriptors open: " + String.join(", ", left)));
        failures.removeIf(failure -> failure == given.told);
        throwFirst(failures.stream().distinct().toList());
    }

    private static void throwFirst(List<Throwable> failures) throws Exception {
        if (failures.isEmpty())
            return;
        Throwable first = failures.getFirst();
        failures.stream().skip(1).forEach(first::addSuppressed);
        if (first instanceof Exception exception)
            throw exception;
        throw (Error) first;
    }
}
