package org.imsg.peers;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandles;

import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.U32;
import org.junit.jupiter.api.Test;

/** Records of another module than org.imsg: exported ones are seen, any other with a lookup. */
@SuppressWarnings("missing-explicit-ctor") // public for the sake of its records
public class CStructAccessTest {
    public record Seen(@U32 long value, Inner inner) {}

    public record Inner(short a, @U32 long b) {}

    record Hidden(@U32 long value, Inner inner) {}

    private record Private(@U32 long value) {}

    @Test
    void a_public_record_of_an_exported_package_is_seen() {
        CStruct<Seen> struct = CStruct.of(Seen.class);
        assertThat(struct.read(struct.toBytes(new Seen(7, new Inner((short) 8, 9)))))
                .isEqualTo(new Seen(7, new Inner((short) 8, 9)));
    }

    @Test
    void a_lookup_of_its_own_class_makes_any_record_seen() {
        CStruct<Hidden> hidden = CStruct.of(Hidden.class, CAbi.host(), MethodHandles.lookup());
        assertThat(hidden.read(hidden.toBytes(new Hidden(1, new Inner((short) 2, 3)))).inner().b()).isEqualTo(3);
        CStruct<Private> own = CStruct.of(Private.class, CAbi.host(), MethodHandles.lookup());
        assertThat(own.read(own.toBytes(new Private(4)))).isEqualTo(new Private(4));
    }
}
