package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.IllegalReferenceCountException;
import java.io.IOException;
import java.nio.file.Path;
import org.imsg.concurrency.Model;
import org.imsg.concurrency.Share;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.Fd;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(Share.TORTURE)
class DescriptorHolderModelTest {
    @Test
    void the_last_release_closes_the_descriptor_and_nothing_comes_back_in_every_order() {
        Model.check(Threads.class, Specification.class);
    }

    @Test
    void the_last_release_closes_the_descriptor_and_nothing_comes_back_under_stress() {
        Model.stress(Threads.class, Specification.class);
    }

    /** What the threads do. */
    public static final class Threads {
        private final ByteBuf content = Unpooled.buffer(4);
        private final ImsgMessage message;
        private final int number;

        public Threads() throws IOException {
            message = new ImsgMessage(1, 2, 3, content, Fd.open(Path.of("/dev/null")));
            number = message.fdNumber();
        }

        @Operation
        public boolean retain() {
            try {
                message.retain();
                return true;
            } catch (IllegalReferenceCountException _) {
                return false;
            }
        }

        @Operation
        public String release() {
            try {
                return message.release() ? "last" : "not last";
            } catch (IllegalReferenceCountException _) {
                return "released already";
            }
        }

        @Validate
        public void bothAreThereOrNeither() {
            boolean open = Posix.fcntl(number, Constants.F_GETFD, 0) >= 0;
            if (open != message.refCnt() > 0 || open != content.refCnt() > 0)
                throw new IllegalStateException("references " + message.refCnt() + ", of the bytes " + content.refCnt()
                        + ", the descriptor is " + (open ? "open" : "closed"));
            if (open)
                message.release(message.refCnt());
        }
    }

    /** What one thread would see. */
    public static final class Specification {
        private int references = 1;

        public boolean retain() {
            if (references > 0)
                references++;
            return references > 0;
        }

        public String release() {
            if (references == 0)
                return "released already";
            return --references == 0 ? "last" : "not last";
        }
    }
}
