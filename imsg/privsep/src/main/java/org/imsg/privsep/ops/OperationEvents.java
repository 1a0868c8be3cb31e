package org.imsg.privsep.ops;

import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The flight recorder's event of a monitor. To be touched only after a look at {@link org.imsg.sys.Recorder#started()}. */
final class OperationEvents {
    private OperationEvents() {}

    @Name("imsg.privsep.PrivilegedOperation")
    @Label("Privileged Operation")
    @Description("A request of a child. The duration is from its arrival to its last answer")
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
            if (!shouldCommit())
                return;
            outcome = how.name().toLowerCase(Locale.ROOT);
            commit();
        }
    }

    /** Begins the event of a request. */
    static PrivilegedOperation asked(String child, Operations.Asked asked) {
        PrivilegedOperation event = new PrivilegedOperation();
        event.begin();
        event.child = child;
        event.kind = asked.operation().word();
        event.subject = LogText.oneLine(asked.request().toString());
        return event;
    }
}
