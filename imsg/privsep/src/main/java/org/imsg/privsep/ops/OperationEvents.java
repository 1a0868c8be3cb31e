package org.imsg.privsep.ops;

import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * The flight recorder's event of a monitor. To be touched only after a look at {@link org.imsg.sys.Recorder#started()}. An event
 * that cannot be made is not recorded, and what it tells of goes on.
 */
final class OperationEvents {
    private OperationEvents() {}

    @Name("imsg.privsep.PrivilegedOperation")
    @Label("Privileged Operation")
    @Description("A request of a child. The duration is from the look at the policy to the last answer, before that is sent")
    @Category({"imsg", "privsep"})
    @Enabled(false)
    @StackTrace(false)
    static final class PrivilegedOperation extends Event {
        @Label("Child")
        private String child;
        @Label("Kind")
        private String kind;
        @Label("Subject")
        private String subject;
        @Label("Outcome")
        private String outcome;

        void answered(Outcome how) {
            try {
                if (!shouldCommit())
                    return;
                outcome = how.name().toLowerCase(Locale.ROOT);
                commit();
            } catch (Throwable _) {
                // not recorded
            }
        }
    }

    /** Begins the event of a request; null if none is recorded. */
    static @Nullable PrivilegedOperation asked(String child, Operations.Asked asked) {
        try {
            PrivilegedOperation event = new PrivilegedOperation();
            if (!event.isEnabled())
                return null;
            event.begin();
            event.child = child;
            event.kind = asked.operation().word();
            event.subject = LogText.oneLine(asked.request().toString());
            return event;
        } catch (Throwable _) {
            return null;
        }
    }
}
