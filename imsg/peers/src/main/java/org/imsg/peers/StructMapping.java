package org.imsg.peers;

import java.util.function.Function;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.cstruct.CStruct;

/**
 * What a program means by a struct of its version: one Java value, whatever the struct looks like.
 *
 * @param <M> the meaning, the same for all versions
 */
public final class StructMapping<M> {
    private final Codec<?, M> codec;

    private StructMapping(Codec<?, M> codec) {
        this.codec = codec;
    }

    private record Codec<R extends Record, M>(CStruct<R> struct, Function<R, M> meaning, Function<M, R> record) {
        M get(Ibuf payload) {
            return meaning.apply(payload.get(struct));
        }

        byte[] toBytes(M value) {
            return struct.toBytes(record.apply(value));
        }
    }

    /**
     * Makes a form of a struct.
     *
     * @param <R> the record of one version's struct
     * @param <M> the meaning
     * @param struct the struct
     * @param meaning what a struct means
     * @param record the struct that means it; what the meaning does not tell is zero
     * @return the form
     */
    public static <R extends Record, M> StructMapping<M> of(CStruct<R> struct, Function<R, M> meaning,
            Function<M, R> record) {
        return new StructMapping<>(new Codec<>(struct, meaning, record));
    }

    /**
     * The size of the struct.
     *
     * @return bytes
     */
    public int size() {
        return codec.struct().size();
    }

    /**
     * Takes a struct from the front of a buffer.
     *
     * @param payload with the struct at its read position, and perhaps more behind it
     * @return what it means
     * @throws org.imsg.TruncatedMessageException if less is left than the struct's size
     */
    public M get(Ibuf payload) {
        return codec.get(payload);
    }

    /**
     * Takes the struct that a message is.
     *
     * @param message with nothing but the struct
     * @return what it means
     * @throws org.imsg.cstruct.MalformedStructException if it has another size; both are named
     */
    public M getData(Imsg message) {
        byte[] payload = message.payload();
        if (!codec.struct().fits(payload.length))
            codec.struct().read(payload); // throws, with the sizes
        return codec.get(Ibuf.fromBuffer(payload));
    }

    /**
     * Makes the struct.
     *
     * @param value what it is to mean
     * @return its bytes
     * @throws IllegalArgumentException if the value does not fit the struct; the message names the member
     */
    public byte[] toBytes(M value) {
        return codec.toBytes(value);
    }
}
