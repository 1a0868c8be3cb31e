package org.imsg.examples.master;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A user's mailbox, in the form of maildir: readers find in {@code new} whole messages only, and may move or remove them at any time. An
 * attempt to deliver a message has a name of its own: the message's, a dot, and any other word.
 */
record Mailbox(Path tmp, Path arrived) {
    /** The mailbox of a user, made if it is not there yet. */
    static Mailbox of(Path mail, String user) throws IOException {
        if (!isUser(user))
            throw new IOException("this is no user's name");
        Path mailbox = mail.resolve(user);
        Mailbox its = new Mailbox(mailbox.resolve("tmp"), mailbox.resolve("new"));
        if (Files.notExists(its.arrived)) {
            Files.createDirectories(its.tmp);
            Files.createDirectories(its.arrived);
            Files.createDirectories(mailbox.resolve("cur"));
            Spool.sync(mailbox);
            Spool.sync(mail);
        }
        return its;
    }

    /** Whether it may be the name of a user. */
    static boolean isUser(String name) {
        return name.matches("[a-z_][a-z0-9_-]{0,31}");
    }

    /** Whether it may be the name of a message, or of an attempt. */
    static boolean isName(String name) {
        return name.matches("[0-9a-f-]{1,80}(\\.[0-9a-f]{1,16})?");
    }

    /** The name of the message that an attempt is for; of a message, its own. */
    static String message(String attempt) {
        if (!isName(attempt))
            throw new IllegalArgumentException("this is no name of a message");
        return attempt.replaceFirst("\\..*", "");
    }

    /** Writes a text where no reader looks. It is on the disk when this returns; and gone, if this throws. */
    void write(String attempt, InputStream text) throws IOException {
        message(attempt);
        Path file = tmp.resolve(attempt);
        try (FileChannel to = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            text.transferTo(Channels.newOutputStream(to));
            to.force(true);
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        }
        Spool.sync(tmp);
    }

    /**
     * Puts the attempt that was decided for into the mailbox: once, however often this is called, for then its file is not where it was
     * written any more. What other attempts for the message have left is removed: none of them will be decided for.
     */
    void commit(String attempt) throws IOException {
        String message = message(attempt);
        try {
            Files.move(tmp.resolve(attempt), arrived.resolve(message), StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException _) {
            // A process that died before it could say so has done it.
        }
        Spool.sync(arrived);
        try (DirectoryStream<Path> others = Files.newDirectoryStream(tmp, message + ".*")) {
            for (Path other : others)
                Files.deleteIfExists(other);
        }
    }
}
