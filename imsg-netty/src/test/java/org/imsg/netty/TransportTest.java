package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.util.Version;
import java.io.File;
import java.lang.module.ModuleDescriptor;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The transports are optional dependencies. */
class TransportTest {
    /** The version that mvn -Dnetty.runtime=VERSION runs these tests with. */
    private static final String OTHER_NETTY = "netty.runtime";

    @TempDir
    private Path directory;

    /** The tests of other modules have the same classes on the class path. */
    @Test
    @DisabledIfSystemProperty(named = OTHER_NETTY, matches = ".+", disabledReason = "on the class path")
    void these_tests_run_in_the_named_module() {
        assertThat(ImsgSocketChannel.class.getModule().getName()).isEqualTo("org.imsg.netty");
        assertThat(EventLoop.class.getModule().getName()).isEqualTo("io.netty.transport");
        assertThat(ImsgSocketChannel.class.getModule().getDescriptor().requires())
                .filteredOn(required -> required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC))
                .extracting(ModuleDescriptor.Requires::name)
                .containsExactlyInAnyOrder("io.netty.transport.classes.epoll", "io.netty.transport.classes.kqueue",
                        "io.netty.transport.classes.io_uring", "org.jspecify", "jdk.jfr");
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "kqueue", "io_uring"})
    void one_that_is_absent_does_not_keep_the_others_from_working(String absent) throws Exception {
        List<URL> others = new ArrayList<>();
        String path = System.getProperty("jdk.module.path", "") + File.pathSeparator
                + System.getProperty("java.class.path");
        for (String entry : path.split(File.pathSeparator))
            if (!entry.contains("netty-transport-classes-" + absent))
                others.add(Path.of(entry).toUri().toURL());
        assertThat(others).hasSize(path.split(File.pathSeparator).length - 1);
        // The platform's loader would ask the one that has the modules of this JVM.
        try (URLClassLoader loader = new URLClassLoader(others.toArray(URL[]::new), null)) {
            assertThat(Class.forName(Transport.class.getName(), false, loader).getClassLoader()).isSameAs(loader);
            assertThatCode(() -> Class.forName(Transport.class.getName(), true, loader)).doesNotThrowAnyException();
            Class<?> type = Class.forName(ImsgSocketChannel.class.getName(), true, loader);
            Object channel = type.getConstructor().newInstance();
            Object config = type.getMethod("config").invoke(channel);
            Map<?, ?> options = (Map<?, ?>) config.getClass().getMethod("getOptions").invoke(config);
            assertThat(options.keySet().toString().contains("EPOLL_MODE")).isEqualTo(!absent.equals("epoll"));
            loader.loadClass(FileDescriptor.class.getName()).getMethod("close")
                    .invoke(type.getMethod("fd").invoke(channel));
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "fits", value = {"4.2.13.Final, 4.2.14, too old", "4.1.200.Final, 4.2.2, too old",
            "4.2.2.Final, 4.2.14, too old", "4.2.14.Final, 4.2.14, fits", "4.2.14.Final-SNAPSHOT, 4.2.14, fits",
            "4.2.100.Final, 4.2.14, fits", "4.10.0.Final, 4.2.14, fits", "5.0.0.Final, 4.2.14, fits"})
    void one_that_is_too_old_is_refused_with_both_versions(String there, String oldest, String verdict) {
        String refusal = Transport.refusal("transport", there, oldest);
        if (verdict == null)
            assertThat(refusal).isNull();
        else
            assertThat(refusal).contains("transport " + there, verdict, oldest + ".Final or newer");
    }

    @Test
    void the_versions_of_all_are_told_by_their_jars() {
        assertThat(Version.identify(Transport.class.getClassLoader())).containsKeys("netty-transport-classes-epoll",
                "netty-transport-classes-kqueue", "netty-transport-classes-io_uring");
    }

    @Test
    @EnabledIfSystemProperty(named = OTHER_NETTY, matches = ".+")
    void the_netty_that_was_asked_for_is_the_one_that_runs() {
        assertThat(Version.identify(Transport.class.getClassLoader()).values()).extracting(Version::artifactVersion)
                .containsOnly(System.getProperty(OTHER_NETTY));
    }

    @Test
    @EnabledIfSystemProperty(named = OTHER_NETTY, matches = "4\\.2\\.(\\d|1[0-3])\\.Final")
    void an_io_uring_that_is_too_old_is_refused_when_a_server_binds_and_when_a_channel_registers() throws Exception {
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, IoUringIoHandler.newFactory());
        Path path = directory.resolve("socket");
        String sentence = "netty-transport-classes-io_uring " + System.getProperty(OTHER_NETTY)
                + " is too old for imsg-netty, which needs 4.2.14.Final or newer";
        try {
            ChannelFuture bound = new ServerBootstrap().group(loop).channel(IoUringServerDomainSocketChannel.class)
                    .handler(new ImsgServer()).childHandler(new Events()).bind(new DomainSocketAddress(path.toFile()));
            assertThat(bound.await().cause()).isInstanceOf(IllegalStateException.class).hasMessage(sentence);
            Fd.Pair pair = Fd.socketpair();
            try (pair) {
                ChannelFuture registered = loop.register(new ImsgSocketChannel(pair.first()));
                assertThat(registered.await().cause()).isInstanceOf(IllegalStateException.class).hasMessage(sentence);
                assertThat(registered.channel().isOpen()).isFalse();
            }
            assertThat(path).doesNotExist();
        } finally {
            loop.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
        }
    }
}
