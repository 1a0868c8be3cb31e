package hello;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Sends a message with the descriptor of a file from one end of a socketpair to the other. */
public final class Hello {
    private Hello() {}

    public static void main(String... arguments) throws Exception {
        Path file = Files.writeString(Files.createTempFile("hello", ""), "with a descriptor");
        try (ImsgChannel.Pair pair = ImsgChannel.pair();
                ImsgChannel sender = pair.first().allowFdPassing().format(WireFormat.MODERN);
                ImsgChannel receiver = pair.second().allowFdPassing()) {
            sender.send(Imsg.of(1, "hello").withFd(Fd.open(file)));
            try (Imsg message = receiver.receive(); FdChannel passed = new FdChannel(message.takeFd())) {
                ByteBuffer text = ByteBuffer.allocate(64);
                passed.read(text);
                System.out.println("hello, " + new String(text.array(), 0, text.position(), StandardCharsets.UTF_8));
            }
        } finally {
            Files.delete(file);
        }
    }
}
