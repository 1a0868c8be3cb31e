package org.imsg.cstruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.junit.jupiter.api.Test;

class CLayoutBuilderTest {
    private static final Scalar U8 = Scalar.of("uint8_t", CAbi.X86_64);
    private static final Scalar U64 = Scalar.of("uint64_t", CAbi.X86_64);

    /** What the builder is told below. */
    record Built(@CName("tag") @U8 int tag, @Bytes(3) byte[] raw, @CType("uint64_t") long number,
            @CString(value = 5, terminated = false) String text, @NetworkOrder @U16 int port) {}

    @Test
    void a_struct_that_is_built_is_the_one_that_a_record_describes() {
        CLayout built = new CLayoutBuilder("built").add("tag", U8).add("raw", new Raw(3)).add("number", U64)
                .add("text", new Text(5, false)).add("port", Scalar.of("uint16_t", CAbi.X86_64).inNetworkOrder())
                .build();
        assertThat(built).isEqualTo(CStruct.of(Built.class, CAbi.X86_64).layout());
        assertThat(built.size()).isEqualTo(24);
    }

    @Test
    void packing_alignment_places_and_size_are_as_in_C() {
        CLayout packed = new CLayoutBuilder("tight").packed().add("a", U8).add("b", U64).build();
        assertThat(packed.members().getLast().offset()).isEqualTo(1);
        assertThat(packed.size()).isEqualTo(9);
        CLayout aligned = new CLayoutBuilder("wide").align(16).add("a", U8).build();
        assertThat(aligned.size()).isEqualTo(16);
        assertThat(new CLayoutBuilder("outer").add("a", U8).add("b", new Struct(aligned)).build().members().getLast()
                .offset()).isEqualTo(16);
        CLayout part = new CLayoutBuilder("part").addAt("a", U64, 24).size(100).build();
        assertThat(part.members().getFirst().offset()).isEqualTo(24);
        assertThat(part.size()).isEqualTo(100);
    }

    @Test
    void what_C_would_not_take_is_refused_with_the_member() {
        CLayout flexible = new CLayoutBuilder("list").add("count", U8).add("rest", new Array(U64, 0)).build();
        assertThat(flexible.minimumSize()).isEqualTo(8);
        refuses("a has a struct in it that ends in a flexible array",
                () -> new CLayoutBuilder("x").add("a", new Array(new Struct(flexible), 2)));
        refuses("a is a flexible array, which can only be the last member",
                () -> new CLayoutBuilder("x").add("a", new Raw(0)).add("b", U8));
        refuses("there are two members a", () -> new CLayoutBuilder("x").add("a", U8).add("a", U8));
        refuses("b at 4 is inside the member before it, which ends at 8",
                () -> new CLayoutBuilder("x").add("a", U64).addAt("b", U8, 4));
        refuses("a at -1 is inside the member before it, which ends at 0",
                () -> new CLayoutBuilder("x").addAt("a", U8, -1));
        refuses("a at 4 is not aligned to 8", () -> new CLayoutBuilder("x").addAt("a", U64, 4));
        refuses("alignment 3 is no power of two", () -> new CLayoutBuilder("x").align(3));
        refuses("a size is 0 or more, not -1", () -> new CLayoutBuilder("x").size(-1));
        refuses("the size 7 is less than the 8 bytes of the members of struct x",
                () -> new CLayoutBuilder("x").add("a", U64).size(7).build());
        refuses("the C type \"uint\" is not known", () -> Scalar.of("uint", CAbi.X86_64));
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> new CLayoutBuilder("x").add("a", U8).packed())
                .withMessage("struct x has members already");
        assertThatExceptionOfType(ArithmeticException.class).isThrownBy(
                () -> new CLayoutBuilder("x").add("a", new Raw(Integer.MAX_VALUE)).add("b", U8));
    }

    private static void refuses(String message, ThrowingCallable building) {
        assertThatIllegalArgumentException().isThrownBy(building).withMessage(message);
    }
}
