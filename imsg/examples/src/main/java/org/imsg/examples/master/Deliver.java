package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Delivers a message in the two steps that qmgr orders. It sees the mailboxes and the one message, of which it is passed the open file. */
final class Deliver implements Role {
    /** The request: a channel to qmgr comes along. */
    static final int SERVE = 1;
    /** From qmgr, each with the name of an attempt, and the queue's file: write the text beside the mailbox; put it in. To qmgr: done; it is for no user. */
    static final int WRITE = 1, COMMIT = 2, DONE = 3, NEVER = 4;
    private static final int LONGEST_NAME = 32;

    private final Path mail;

    Deliver(Path mail) {
        this.mail = mail;
    }

    @Override
    public void start(RoleProcess self) {
        // Everything begins with a message.
    }

    @Override
    public void rehearse(RoleProcess self, Imsg request) throws IOException {
        serve(self, request);
    }

    @Override
    public void serve(RoleProcess self, Imsg request) throws IOException {
        try (ImsgChannel queue = channel(request.takeFd())) {
            for (Imsg order; (order = queue.receive()) != null;)
                queue.send(Imsg.of(answer(order)));
        }
    }

    private int answer(Imsg order) throws IOException {
        try (order;
                InputStream file = new BufferedInputStream(
                        Channels.newInputStream(new FdChannel(order.takeFd())))) {
            String attempt = order.getString(order.length());
            String recipient = recipient(file);
            if (!Mailbox.isUser(recipient))
                return NEVER;
            Mailbox mailbox = Mailbox.of(mail, recipient);
            if (order.type() == WRITE)
                mailbox.write(attempt, file);
            else
                mailbox.commit(attempt);
            return DONE;
        }
    }

    /** Over an end of a socketpair, at whose other end is the same program. */
    static ImsgChannel channel(Fd end) throws IOException {
        return ImsgChannel.of(end).format(WireFormat.MODERN).allowFdPassing();
    }

    /** The first line. */
    private static String recipient(InputStream file) throws IOException {
        ByteArrayOutputStream name = new ByteArrayOutputStream();
        for (int next; (next = file.read()) != '\n' && next >= 0 && name.size() <= LONGEST_NAME;)
            name.write(next);
        return name.toString(US_ASCII);
    }
}
