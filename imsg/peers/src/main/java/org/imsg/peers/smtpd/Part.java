package org.imsg.peers.smtpd;

/** A part of smtpd that can be paused. */
public enum Part {
    /** Delivery to local users. */
    MDA(15, 22, 2),
    /** Delivery to other machines. */
    MTA(16, 23, 4),
    /** Taking mail. */
    SMTP(17, 24, 8);

    final int pause;
    final int resume;
    final int paused;

    Part(int pause, int resume, int paused) {
        this.pause = pause;
        this.resume = resume;
        this.paused = paused;
    }
}
