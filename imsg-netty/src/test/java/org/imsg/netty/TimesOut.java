package org.imsg.netty;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.imsg.netty.handler.ImsgRequests;

/** Records a request that has no reply, with the settings of a file, into another file; prints what that has of ours. */
final class TimesOut {
    private TimesOut() {}

    public static void main(String... arguments) {
        ChildJvm.exitAfter(() -> {
            Path recorded = Path.of(arguments[1]);
            try (Recording recording = new Recording(Configuration.create(Path.of(arguments[0])))) {
                recording.start();
                wait(Duration.ofSeconds(1));
                recording.stop();
                recording.dump(recorded);
            }
            RecordingFile.readAllEvents(recorded).stream()
                    .filter(event -> event.getEventType().getName().startsWith("imsg."))
                    .forEach(event -> System.out.println(event.getEventType().getName() + " " + event.getLong("id")
                            + " " + event.getDuration("timeout") + " " + event.getString("channel")));
        });
    }

    private static void wait(Duration timeout) {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgRequests(0xFFFF_FFFF));
        channel.freezeTime();
        channel.pipeline().get(ImsgRequests.class).request(new ImsgMessage(1, 0, 0, Unpooled.EMPTY_BUFFER), timeout);
        channel.advanceTimeBy(timeout.toMillis(), TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        channel.finishAndReleaseAll();
    }
}
