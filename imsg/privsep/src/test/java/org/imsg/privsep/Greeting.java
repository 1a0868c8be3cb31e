package org.imsg.privsep;

import org.imsg.Imsg;

/** A program that ends by itself: the parent greets its child, which answers. */
final class Greeting {
    static final int GREET = 1, ANSWER = 2;

    public static void main(String... arguments) throws Exception {
        System.exit(Privsep.program("greeting")
                .role("child", () -> child -> child.on(GREET, (from, _) -> from.send(Imsg.of(ANSWER, "greeted"))))
                .parent(() -> parent -> {
                    parent.on(ANSWER, (from, answer) -> {
                        System.out.println(from + " is " + answer.getString(answer.length()));
                        parent.stop();
                    });
                    parent.peer("child").send(Imsg.of(GREET));
                }).run(arguments));
    }

    private Greeting() {}
}
