package org.imsg.harness.junit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
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
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives a test what it asks for by the types of its parameters, and closes it in reverse order when the test has ended. A test that
 * leaves other descriptors open than it began with is failed, and each is named (where /proc tells, which is on Linux).
 *
 * <ul>
 * <li>{@link Fd.Pair}, {@link RawSocket.Pair}: a socketpair
 * <li>{@link ImsgChannel.Pair}: two connected channels; descriptors pass
 * <li>{@link ScriptedPeer} and {@link ImsgChannel}, together: a peer and the channel that is connected to it, which is a client's
 * <li>{@link ImsgListener}: at a path of its own
 * <li>{@link DebianChroot}, {@link Bgpd}, {@link Ntpd}, {@link Smtpd}, {@link TmuxServer} with {@link FromDebian}: a real one;
 * where it cannot be had the test is skipped with the reason, or failed if IMSG_PEERS=required is in the environment
 * </ul>
 */
public final class ImsgExtension implements ParameterResolver, BeforeEachCallback, AfterEachCallback {
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
        final List<String> descriptorsBefore = OpenDescriptors.now();
        @Nullable
        ImsgChannel channel;
        @Nullable
        ScriptedPeer peer;

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
        return context.getStore(NAMESPACE).getOrComputeIfAbsent(context.getUniqueId(), _ -> new Given(), Given.class);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return PLAIN.contains(type) || DEBIAN.contains(type) && parameter.isAnnotated(FromDebian.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        try {
            return PLAIN.contains(type)
                    ? plain(type, given(context))
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

    private static Object plain(Class<?> type, Given given) throws IOException {
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
            connect(given);
        return type == ImsgChannel.class ? given.channel : given.peer;
    }

    private static ImsgListener listener(Given given) throws IOException {
        Path directory = Files.createTempDirectory("imsg");
        given.keep(() -> Files.delete(directory));
        return given.keep(ImsgListener.listen(directory.resolve("socket")));
    }

    private static void connect(Given given) throws IOException {
        Fd.Pair pair = given.keep(Fd.socketpair());
        given.peer = given.keep(ScriptedPeer.of(RawSocket.of(pair.first()), Direction.TO_CLIENT, WireFormat.AUTO));
        given.channel = given.keep(ImsgChannel.of(pair.second()).allowFdPassing());
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
    public void afterEach(ExtensionContext context) throws Exception {
        Given given = given(context);
        Exception failure = null;
        while (!given.things.isEmpty())
            try {
                given.things.pop().close();
            } catch (Exception e) {
                failure = e;
            }
        if (failure != null)
            throw failure;
        List<String> left = OpenDescriptors.since(given.descriptorsBefore);
        if (!left.isEmpty())
            throw new AssertionError(
                    context.getDisplayName() + " leaves descriptors open: " + String.join(", ", new ArrayList<>(left)));
    }
}
