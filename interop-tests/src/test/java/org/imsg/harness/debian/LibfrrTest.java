package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;

@RealPeers
@SuppressWarnings("restricted") // loading a C library is what is tried here
class LibfrrTest {
    @Test
    void the_libraries_are_listed_each_after_those_it_needs() throws Exception {
        List<String> names = Peers.libfrr().libraries().stream().map(Path::getFileName).map(Path::toString).toList();
        assertThat(names).containsExactlyInAnyOrder("libcap.so.2", "libpcre2-8.so.0", "libyang.so.2", "libcrypt.so.1",
                "libjson-c.so.5", "libfrr.so.0").endsWith("libfrr.so.0")
                .containsSubsequence("libpcre2-8.so.0", "libyang.so.2");
    }

    @Test
    void loaded_in_that_order_they_give_this_jvm_the_C_functions_of_imsg() throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup frr = null;
            for (Path library : Peers.libfrr().libraries()) {
                frr = SymbolLookup.libraryLookup(library, arena);
            }
            assertThat(frr.find("imsg_init")).isPresent();
            assertThat(frr.find("imsg_compose")).isPresent();
            assertThat(frr.find("imsg_get")).isPresent();
            // struct ibuf *ibuf_open(size_t); void ibuf_free(struct ibuf *);
            Linker linker = Linker.nativeLinker();
            MemorySegment ibuf = (MemorySegment) linker.downcallHandle(frr.findOrThrow("ibuf_open"),
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG)).invokeExact(64L);
            assertThat(ibuf.address()).isNotZero();
            linker.downcallHandle(frr.findOrThrow("ibuf_free"), FunctionDescriptor.ofVoid(ValueLayout.ADDRESS))
                    .invokeExact(ibuf);
        }
    }

    @Test
    void only_bookworms_is_taken() throws Exception {
        DebianChroot trixie = Peers.chroot(DebianSuite.TRIXIE);
        assertThatIllegalArgumentException().isThrownBy(() -> Libfrr.of(trixie)).withMessageContaining("TRIXIE");
    }
}
