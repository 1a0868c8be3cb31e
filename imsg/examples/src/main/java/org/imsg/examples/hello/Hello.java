package org.imsg.examples.hello;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.imsg.Imsg;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.RoleSettings;

/** Parent and child over a socketpair: hello both ways. */
public final class Hello {
    // @start region="main"
    static final int HELLO = 1, HELLO_BACK = 2;

    public static void main(String... arguments) throws Exception {
        System.exit(Privsep.program("hello").role("child", () -> Hello::child, RoleSettings::inheritStreams)
                .parent(() -> Hello::parent)
                .run(arguments));
    }

    /** In a process of its own. */
    static void child(RoleProcess self) {
        self.on(HELLO, (from, hello) -> {
            System.out.println("child " + ProcessHandle.current().pid() + ": " + text(hello));
            from.send(HELLO_BACK, "hello parent".getBytes(UTF_8));
        });
    }

    static void parent(ParentProcess self) throws Exception {
        self.on(HELLO_BACK, (from, hello) -> {
            System.out.println("parent " + ProcessHandle.current().pid() + ": " + text(hello) + " from " + from);
            self.stop();
        });
        self.peer("child").send(HELLO, "hello child".getBytes(UTF_8));
    }

    static String text(Imsg message) {
        return message.getString(message.length());
    }
    // @end

    private Hello() {}
}
