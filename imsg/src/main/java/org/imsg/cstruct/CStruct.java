package org.imsg.cstruct;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.Objects;

/**
 * A C struct, described by a record: its layout by the rules of the C ABI, and the translation between its bytes and the
 * record.
 *
 * {@snippet file="org/imsg/cstruct/CStructSnippets.java" region="describe"}
 * {@snippet file="org/imsg/cstruct/CStructSnippets.java" region="use"}
 *
 * <p>Each component is a member, in order, named in C as in Java but in lower case with underscores (see {@link CName}). By
 * itself a Java type stands for this C type: {@code byte} int8_t, {@code short} int16_t, {@code char} uint16_t, {@code int}
 * int32_t, {@code long} int64_t, {@code float}, {@code double}, {@code boolean} _Bool, and a record a nested struct. Annotations
 * name the others: {@link U8} to {@link I64}, {@link CInt}, {@link CLong}, {@link SizeT}, {@link TimeT}, {@link CType} for
 * other numbers; {@link NetworkOrder}; {@link CString} for a {@code String}; {@link Bytes} for a {@code byte[]};
 * {@link ArrayOf} and {@link FlexibleArray} for arrays. {@link Align} and {@link Packed} are the attributes of C;
 * {@link At} and {@link Size} describe a struct with only some of its members. A {@code boolean} may stand for any
 * number: false is 0, true is written 1 and read from anything else. C's bit-fields are not described: take the number they
 * lie in, and shift.
 *
 * <p>Every number comes to Java with its value: {@code @U32 long} is 0 to 4294967295, and writing anything else is an error
 * that names the member. Only where the Java type is no wider than an unsigned C type ({@code @U32 int}) it holds the bits.
 *
 * <p>A union is {@link Bytes} with the {@link Align} of its widest member; {@link #view(byte[])} reads one of its members.
 *
 * <p>Padding is ignored on reading and zero on writing. Reading touches no byte outside the struct, and allocates nothing
 * but the record, with its arrays and strings.
 *
 * <p>Immutable and safe for use by several threads. Making one takes milliseconds, since it is compiled: keep it in a
 * {@code static final} field, which the JIT compiler treats as a constant.
 *
 * @param <T> the record
 */
public final class CStruct<T extends Record> {
    private final Class<T> type;
    private final CLayout layout;
    private final Codec codec;

    private CStruct(Class<T> type, CLayout layout, Codec codec) {
        this.type = type;
        this.layout = layout;
        this.codec = codec;
    }

    /**
     * Describes a struct of this machine.
     *
     * @param <T> the record
     * @param type a public record in a package that is exported, or any record in a package open to {@code
     *     org.imsg}
     * @return the struct
     * @throws IllegalArgumentException if the record cannot be a C struct, or is not accessible; the message says which
     *     component and why, or what would make it accessible
     */
    public static <T extends Record> CStruct<T> of(Class<T> type) {
        return of(type, CAbi.host());
    }

    /**
     * Describes a struct of any machine.
     *
     * @param <T> the record
     * @param type as for {@link #of(Class)}
     * @param abi the rules of that machine
     * @return the struct
     * @throws IllegalArgumentException as for {@link #of(Class)}
     */
    public static <T extends Record> CStruct<T> of(Class<T> type, CAbi abi) {
        return of(type, abi, MethodHandles.lookup());
    }

    /**
     * Describes a struct by a record that only its own program can see.
     *
     * @param <T> the record
     * @param type the record
     * @param abi the rules of the machine whose struct it is
     * @param lookup {@code MethodHandles.lookup()} of a class that can reach the record and the records nested in it
     * @return the struct
     * @throws IllegalArgumentException as for {@link #of(Class)}
     */
    public static <T extends Record> CStruct<T> of(Class<T> type, CAbi abi, MethodHandles.Lookup lookup) {
        StructRecord described = StructRecord.of(type, abi);
        return new CStruct<>(type, described.layout(), CodecCompiler.compile(described, lookup));
    }

    /**
     * Returns the layout.
     *
     * @return the layout
     */
    public CLayout layout() {
        return layout;
    }

    /**
     * Returns the size: {@code sizeof}.
     *
     * @return bytes, without those of a flexible array
     */
    public int size() {
        return layout.size();
    }

    /**
     * Returns whether the struct ends in a flexible array.
     *
     * @return true if a payload may be longer than {@link #size()}
     */
    public boolean flexible() {
        return layout.flexible();
    }

    /**
     * Returns the size of the struct with a value in it.
     *
     * @param value the record
     * @return bytes: {@link #size()}, or where the flexible array of the value ends
     */
    public int sizeOf(T value) {
        if (!layout.flexible())
            return layout.size();
        return Math.toIntExact(layout.minimumSize() + codec.flexibleBytes(value));
    }

    /**
     * Reads a struct that is all of the memory.
     *
     * @param bytes exactly the struct
     * @return the record
     * @throws MalformedStructException if it has another size, or an unterminated string
     */
    public T read(MemorySegment bytes) {
        return read(bytes, 0, bytes.byteSize());
    }

    /**
     * Reads a struct that is all of the array.
     *
     * @param bytes exactly the struct
     * @return the record
     * @throws MalformedStructException if it has another size, or an unterminated string
     */
    public T read(byte[] bytes) {
        return read(MemorySegment.ofArray(bytes));
    }

    /**
     * Reads a struct from a part of the memory.
     *
     * @param bytes the struct, and anything around it
     * @param offset of the struct's first byte; need not be aligned
     * @param length in bytes, of exactly the struct
     * @return the record
     * @throws MalformedStructException if {@code length} is not the size of the struct, or there is an unterminated
     *     string
     * @throws IndexOutOfBoundsException if the part reaches outside the memory
     */
    public T read(MemorySegment bytes, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, bytes.byteSize());
        if (!fits(length))
            throw new MalformedStructException(mismatch(length));
        return type.cast(codec.read(bytes, offset, offset + length));
    }

    /**
     * Reads the bytes of a union as this member of it.
     *
     * @param union the component with {@link Bytes}; at least as long as this struct
     * @return the record in its first bytes
     * @throws MalformedStructException if the union is smaller than this struct, or there is an unterminated string
     */
    public T view(byte[] union) {
        return read(MemorySegment.ofArray(union), 0, flexible() ? union.length : Math.min(union.length, size()));
    }

    /**
     * Writes a struct.
     *
     * @param value the record
     * @return a new array with all bytes, padding zero
     * @throws IllegalArgumentException if a value does not fit its member, or an array has another length; the message
     *     names it
     * @throws NullPointerException if a component is null; the message names it
     */
    public byte[] toBytes(T value) {
        byte[] bytes = new byte[sizeOf(value)];
        write(value, MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    /**
     * Writes a struct into the first bytes of a union.
     *
     * @param value the record
     * @param size the size of the union in bytes, at least that of this struct
     * @return a new array of that size, the bytes behind the struct zero
     * @throws IllegalArgumentException if the struct is larger than the union, or as for {@link #toBytes(Record)}
     */
    public byte[] toBytes(T value, int size) {
        if (size < sizeOf(value))
            throw new IllegalArgumentException(
                    "struct " + layout.name() + " is " + sizeOf(value) + " bytes, the union " + size);
        byte[] bytes = new byte[size];
        write(value, MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    /**
     * Writes a struct into memory: {@link #sizeOf(Record)} bytes.
     *
     * @param value the record
     * @param bytes the memory; the bytes before and behind the struct are not changed
     * @param offset of the struct's first byte; need not be aligned
     * @throws IllegalArgumentException as for {@link #toBytes(Record)}; the bytes of the struct may have been changed
     *     then
     * @throws IndexOutOfBoundsException if the struct reaches outside the memory; nothing is changed
     */
    public void write(T value, MemorySegment bytes, long offset) {
        Objects.checkFromIndexSize(offset, sizeOf(value), bytes.byteSize());
        codec.write(value, bytes, offset);
    }

    /**
     * Returns whether so many bytes can be this struct.
     *
     * @param length how many there are
     * @return true if it is {@link #size()}, or the flexible array fills the rest with whole elements
     */
    public boolean fits(long length) {
        if (!layout.flexible())
            return length == layout.size();
        long rest = length - layout.minimumSize();
        return rest >= 0 && rest % layout.flexibleElementSize() == 0;
    }

    private String mismatch(long length) {
        if (!layout.flexible())
            return "struct " + layout.name() + " is " + layout.size() + " bytes, not " + length;
        return "struct " + layout.name() + " is " + layout.minimumSize() + " bytes and any number of elements of "
                + layout.flexibleElementSize() + ", not " + length;
    }

    /**
     * Returns the layout as pahole(1) prints it.
     *
     * @return several lines
     */
    @Override
    public String toString() {
        return layout.toString();
    }
}
