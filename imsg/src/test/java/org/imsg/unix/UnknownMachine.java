package org.imsg.unix;

import java.lang.foreign.Linker;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.testing.Call;

/** What a program does on a machine that has no table of its own; run by UnknownMachineTest in a JVM of its own. */
final class UnknownMachine {
    private UnknownMachine() {}

    public static void main(String[] arguments) throws Exception {
        // The JVM has to know better.
        Linker.nativeLinker();
        System.setProperty("os.arch", "loongarch64");
        for (int again = 0; again < 2; again++)
            try {
                LinuxSyscalls.host();
            } catch (UnsupportedOperationException e) {
                System.out.println(e.getMessage());
            }
        Path directory = Path.of(arguments[0]);
        Path socket = directory.resolve("s");
        // Left by a crash: a file that must be told from any other before its lock counts.
        Files.createFile(directory.resolve("s.lock"));
        Path file = Files.writeString(directory.resolve("file"), "passed");
        try (ImsgListener listener = ImsgListener.listen(socket)) {
            Call<String> virtual = Call.start(Call.On.VIRTUAL, () -> {
                try (ImsgChannel channel = listener.accept(Duration.ofMinutes(1)).allowFdPassing();
                        Imsg message = channel.receive();
                        FileChannel received = JdkChannels.fileChannel(message.takeFd())) {
                    return message.type() + ", a file of " + received.size() + " bytes";
                }
            }).awaitWaiting();
            try (ImsgChannel channel = ImsgChannel.connect(socket).allowFdPassing()) {
                channel.assume(WireFormat.MODERN).send(Imsg.of(1).withFd(Fd.open(file)));
                System.out.println("received " + virtual.result());
            }
        }
    }
}
