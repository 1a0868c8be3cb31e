package org.imsg.cstruct;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Member;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Type;

/**
 * Lays a struct out by the rules of the C ABI: each member at the next offset that its alignment allows, padding at the end.
 * {@link CStruct} describes a struct by a record; this class serves other descriptions. Not safe for use by several threads
 * at once.
 */
public final class CLayoutBuilder {
    private final String name;
    private final List<Member> members = new ArrayList<>();
    private boolean packed;
    private int alignment = 1;
    private int end;
    private int size = -1;

    /**
     * Begins a struct without members.
     *
     * @param name its name in C
     */
    public CLayoutBuilder(String name) {
        this.name = Objects.requireNonNull(name);
    }

    /**
     * Leaves out all padding: {@code __attribute__((packed))}.
     *
     * @return this
     * @throws IllegalStateException if there are members already
     */
    public CLayoutBuilder packed() {
        if (!members.isEmpty())
            throw new IllegalStateException("struct " + name + " has members already");
        packed = true;
        return this;
    }

    /**
     * Raises the alignment of the struct: {@code __attribute__((aligned))}.
     *
     * @param bytes a power of two; one below the alignment of the members has no effect
     * @return this
     * @throws IllegalArgumentException if it is no power of two
     */
    public CLayoutBuilder align(int bytes) {
        alignment = Math.max(alignment, powerOfTwo(bytes));
        return this;
    }

    /**
     * Adds a member.
     *
     * @param member its name in C
     * @param type its type; a flexible array, of size 0, must be the last member
     * @return this
     * @throws IllegalArgumentException if there is a member of that name, the one before it is a flexible array, or the
     *     struct it is ends in one
     * @throws ArithmeticException if the struct becomes longer than 2147483647 bytes
     */
    public CLayoutBuilder add(String member, Type type) {
        return add(member, type, 1);
    }

    /**
     * Adds a member at a known place; the bytes between it and the member before count as padding.
     *
     * @param member its name in C
     * @param type as for {@link #add(String, Type)}
     * @param offset {@code offsetof}, in bytes
     * @return this
     * @throws IllegalArgumentException as for {@link #add(String, Type)}, or if the offset is not aligned or
     *     inside the member before
     * @throws ArithmeticException as for {@link #add(String, Type)}
     */
    public CLayoutBuilder addAt(String member, Type type, int offset) {
        return addAt(member, type, 1, offset);
    }

    /** Adds a member whose alignment is raised. */
    CLayoutBuilder add(String member, Type type, int raised) {
        int aligned = aligned(type, raised);
        return place(new Member(member, type, roundUp(end, aligned)), aligned);
    }

    /** Adds a member whose alignment is raised at a known place. */
    CLayoutBuilder addAt(String member, Type type, int raised, int offset) {
        int aligned = aligned(type, raised);
        if (offset < end)
            throw new IllegalArgumentException(
                    member + " at " + offset + " is inside the member before it, which ends at " + end);
        if (offset % aligned != 0)
            throw new IllegalArgumentException(member + " at " + offset + " is not aligned to " + aligned);
        return place(new Member(member, type, offset), aligned);
    }

    private int aligned(Type type, int raised) {
        return Math.max(powerOfTwo(raised), packed ? 1 : type.alignment());
    }

    private CLayoutBuilder place(Member member, int aligned) {
        if (!members.isEmpty() && members.getLast().type().size() == 0)
            throw new IllegalArgumentException(
                    members.getLast().name() + " is a flexible array, which can only be the last member");
        if (endsFlexible(member.type()))
            throw new IllegalArgumentException(member.name() + " has a struct in it that ends in a flexible array");
        if (members.stream().anyMatch(other -> other.name().equals(member.name())))
            throw new IllegalArgumentException("there are two members " + member.name());
        end = Math.addExact(member.offset(), member.type().size());
        alignment = Math.max(alignment, aligned);
        members.add(member);
        return this;
    }

    private static boolean endsFlexible(Type type) {
        return switch (type) {
            case Struct struct -> struct.layout().flexible();
            case Array array -> endsFlexible(array.element());
            default -> false;
        };
    }

    /**
     * Sets the size of a struct that has further bytes behind its last member.
     *
     * @param bytes {@code sizeof}, 0 or more
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public CLayoutBuilder size(int bytes) {
        if (bytes < 0)
            throw new IllegalArgumentException("a size is 0 or more, not " + bytes);
        size = bytes;
        return this;
    }

    /**
     * Returns where the members end.
     *
     * @return the offset of the first byte after the last one
     */
    public int end() {
        return end;
    }

    /**
     * Returns the layout of the struct as it is now.
     *
     * @return its layout
     * @throws IllegalArgumentException if the size that was set is less than the members need
     * @throws ArithmeticException as for {@link #add(String, Type)}
     */
    public CLayout build() {
        if (size >= 0 && size < end)
            throw new IllegalArgumentException("the size " + size + " is less than the " + end
                    + " bytes of the members of struct " + name);
        return new CLayout(name, members, size < 0 ? roundUp(end, alignment) : size, alignment, packed);
    }

    private static int powerOfTwo(int bytes) {
        if (bytes < 1 || Integer.bitCount(bytes) != 1)
            throw new IllegalArgumentException("alignment " + bytes + " is no power of two");
        return bytes;
    }

    private static int roundUp(int value, int to) {
        return Math.addExact(value, to - 1) / to * to;
    }
}
