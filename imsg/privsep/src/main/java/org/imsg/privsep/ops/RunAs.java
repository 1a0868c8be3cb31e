package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;

/**
 * The users that a line runs programs as, never 0. One whom the child names has no group 0 either.
 *
 * @param users the ids it has the choice of; all for a user who has authenticated
 */
record RunAs(Choice choice, IdRange users, Optional<Integer> group) {
    /** The way in which one of the users is chosen. */
    private enum Choice {
        /** There is one, which runs share. */
        ONE,
        /** The monitor: each run has one that no process has. */
        UNIQUE,
        /** The child, by name. */
        NAMED,
        /** The child, by the name of a user whose password it has shown. */
        AUTHENTICATED
    }

    private static final String WORD = "authenticated";
    private static final IdRange EVERYBODY = new IdRange(1, 0xFFFF_FFFEL);

    static final String[] OPTIONS = {"user=", "users=", "as=", "group="};

    static RunAs of(PolicyLine line) {
        if ((line.has("user=") ? 1 : 0) + (line.has("users=") ? 1 : 0) + (line.has("as=") ? 1 : 0) != 1)
            throw new IllegalArgumentException("expected one of user=, users= and as=");
        Optional<Integer> group = line.groups("group=").map(id -> (int) id.one());
        if (line.option("as=").equals(Optional.of(WORD)))
            return new RunAs(Choice.AUTHENTICATED, EVERYBODY, group);
        IdRange users = line.users("user=").or(() -> line.users("users=")).or(() -> line.users("as=")).orElseThrow();
        if (line.has("user="))
            users.one();
        if (users.contains(0))
            throw new IllegalArgumentException("expected users other than 0, who may do everything anyway");
        return new RunAs(line.has("user=") ? Choice.ONE : line.has("users=") ? Choice.UNIQUE : Choice.NAMED, users,
                group);
    }

    boolean isUnique() {
        return choice == Choice.UNIQUE;
    }

    /** Tells whether a request must say the name of its user. */
    boolean wantsName() {
        return choice == Choice.NAMED || choice == Choice.AUTHENTICATED;
    }

    /** Finds the ids of a run, by the name if the child chooses; a unique user is the run's until {@link #give(Permit, Ids)}. */
    Ids take(Permit<?, ?> permit, String name) throws IOException {
        return switch (choice) {
            case ONE -> ids(users.first());
            case UNIQUE -> ids(Integer.toUnsignedLong(permit.host().users().take(users).orElseThrow(
                    () -> new ErrnoException("setresuid", "every uid of " + users + " is taken",
                            Errno.number("EAGAIN")))));
            case NAMED, AUTHENTICATED -> named(permit, name);
        };
    }

    void give(Permit<?, ?> permit, Ids ids) {
        if (isUnique())
            permit.host().users().give((int) ids.uid());
    }

    private Ids ids(long uid) {
        return Ids.of(uid, group.map(Integer::toUnsignedLong).orElse(uid));
    }

    private Ids named(Permit<?, ?> permit, String name) throws IOException {
        if (choice == Choice.AUTHENTICATED && !permit.asker().hasAuthenticated(name))
            throw permit.refusal("the user " + LogText.shortened(name) + " has not authenticated");
        Optional<User> user = AccountDatabase.user(name);
        if (user.isEmpty() || !users.contains((int) user.get().uid()))
            throw permit.refusal("the user " + LogText.shortened(name) + " is none of " + users);
        Ids account = Ids.ofUser(user.get().name());
        // A directory service may know one user by several names, and another user by one of them.
        if (account.uid() != user.get().uid())
            throw permit.refusal("the user " + LogText.shortened(name) + " has the uids " + user.get().uid() + " and "
                    + account.uid());
        Ids ids = group.isEmpty()
                ? account
                : new Ids(account.uid(), Integer.toUnsignedLong(group.get()), account.groups());
        if (ids.gid() == 0 || ids.groups().contains(0L))
            throw permit.refusal("the user " + LogText.shortened(name) + " has group 0");
        return ids;
    }

    /** The variables that a login has, of a user that the child named. */
    Map<String, String> environment(String name) throws IOException {
        Map<String, String> variables = new LinkedHashMap<>();
        if (wantsName())
            AccountDatabase.user(name).ifPresent(user -> {
                variables.put("USER", user.name());
                variables.put("LOGNAME", user.name());
                variables.put("HOME", user.home());
                variables.put("SHELL", user.shell());
            });
        return variables;
    }
}
