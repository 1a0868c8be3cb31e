/**
 * The protocol test harness: real C programs to talk with, and what is needed to try an imsg daemon against them.
 */
module org.imsg.harness {
    requires org.imsg;

    exports org.imsg.harness.debian;
}
