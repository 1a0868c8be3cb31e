package org.imsg;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Receives up to the first message of an end type. */
final class Replies implements Iterator<Imsg> {
    /** One receive. */
    @FunctionalInterface
    interface Source {
        @Nullable
        Imsg receive() throws IOException;
    }

    private static final int FEW = 16;

    private final List<Imsg> withDescriptors = new ArrayList<>();
    private final Source source;
    private final int[] endTypes;
    private int most = FEW;
    private boolean ended;

    private Replies(Source source, int[] endTypes) {
        this.source = source;
        this.endTypes = endTypes;
    }

    static Stream<Imsg> stream(Source source, int... endTypes) {
        if (endTypes.length == 0)
            throw new IllegalArgumentException("a reply needs at least one type that ends it");
        Replies replies = new Replies(source, endTypes.clone());
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(replies, Spliterator.ORDERED | Spliterator.NONNULL), false)
                .onClose(replies::close);
    }

    /** Closes every descriptor that was not taken. */
    private void close() {
        withDescriptors.forEach(Imsg::close);
    }

    /** Keeps a message until its descriptor is taken: those that were taken are let go from time to time. */
    private void keep(Imsg message) {
        if (withDescriptors.size() >= most) {
            withDescriptors.removeIf(kept -> !kept.hasFd());
            most = 2 * withDescriptors.size() + FEW;
        }
        withDescriptors.add(message);
    }

    @Override
    public boolean hasNext() {
        return !ended;
    }

    @Override
    public Imsg next() {
        if (ended)
            throw new NoSuchElementException();
        try {
            Imsg message = source.receive();
            if (message == null)
                throw new EOFException("the stream ended before a message of type " + Arrays.toString(endTypes));
            if (message.hasFd())
                keep(message);
            ended = Arrays.stream(endTypes).anyMatch(type -> type == message.type());
            return message;
        } catch (IOException e) {
            ended = true;
            throw new UncheckedIOException(e);
        }
    }
}
