package org.imsg.privsep.rights;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The user, group and supplementary groups of a process, as numbers. They need no entry in any database.
 *
 * @param uid the user, 0 to 4294967294
 * @param gid the group, 0 to 4294967294
 * @param groups the supplementary groups, in the same range; kept sorted and without doubles
 */
public record Ids(long uid, long gid, List<Long> groups) {
    /** 4294967295 means "leave it as it is" to the set*id calls. */
    private static final long LARGEST = 0xFFFF_FFFEL;

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a number is out of range; the message has it
     */
    public Ids {
        check("uid", uid);
        check("gid", gid);
        groups.forEach(group -> check("group", group));
        groups = groups.stream().sorted().distinct().toList();
    }

    /**
     * Whether a process with the other ids may do the same: it makes no difference whether its group is also among the
     * supplementary ones, where some systems put it.
     */
    boolean meanTheSameAs(Ids other) {
        return uid == other.uid && gid == other.gid && memberships().equals(other.memberships());
    }

    private Set<Long> memberships() {
        Set<Long> all = new TreeSet<>(groups);
        all.add(gid);
        return all;
    }

    private static void check(String what, long id) {
        if (id < 0 || id > LARGEST)
            throw new IllegalArgumentException("a " + what + " is 0 to " + LARGEST + ", not " + id);
    }

    /**
     * Ids by number.
     *
     * @param uid the user
     * @param gid the group
     * @param groups the supplementary groups, none if left out
     * @return the ids
     * @throws IllegalArgumentException if a number is out of range
     */
    public static Ids of(long uid, long gid, long... groups) {
        List<Long> list = new ArrayList<>();
        for (long group : groups)
            list.add(group);
        return new Ids(uid, gid, list);
    }

    /**
     * The ids of a user as the system's user database has them: getpwnam(3), getgrouplist(3).
     *
     * @param name the user's name
     * @return its uid, its group, and all groups it is a member of
     * @throws PrivilegeException at the step {@code getpwnam} if there is no such user, or the database cannot be read
     */
    public static Ids ofUser(String name) throws PrivilegeException {
        return of(Users.find(name));
    }

    /**
     * The ids in the variables UID and GID of the environment, and GIDLIST if it is set: what envuidgid(8) and s6-envuidgid
     * prepare, and setuidgid(8) takes. The program is started as root with them, and gives up root itself.
     *
     * @return the ids
     * @throws PrivilegeException at the step {@code environment} if a variable is missing or not a number
     */
    public static Ids fromEnvironment() throws PrivilegeException {
        return fromEnvironment(System.getenv());
    }

    /**
     * The ids in the variables of any environment.
     *
     * @param environment variables by name: UID and GID, decimal; GIDLIST, if there, decimal numbers with commas
     *     between them
     * @return the ids
     * @throws PrivilegeException at the step {@code environment} if a variable is missing or not a number
     */
    public static Ids fromEnvironment(Map<String, String> environment) throws PrivilegeException {
        List<Long> groups = new ArrayList<>();
        String list = environment.getOrDefault("GIDLIST", "");
        if (!list.isEmpty())
            for (String group : list.split(",", -1))
                groups.add(number("GIDLIST", group));
        return new Ids(variable(environment, "UID"), variable(environment, "GID"), groups);
    }

    private static long variable(Map<String, String> environment, String name) throws PrivilegeException {
        String value = environment.get(name);
        if (value == null)
            throw new PrivilegeException("environment", "the variable " + name + " is not set");
        return number(name, value);
    }

    private static long number(String name, String value) throws PrivilegeException {
        // No sign, no space: what parseLong takes beyond that was not meant as an id.
        if (!value.matches("[0-9]{1,10}") || Long.parseLong(value) > LARGEST)
            throw new PrivilegeException("environment", "the variable " + name + " has \"" + value
                    + "\" where a number from 0 to " + LARGEST + " belongs");
        return Long.parseLong(value);
    }

    /**
     * The ids this process has now: its real user and group, and its supplementary groups.
     *
     * @return the ids
     * @throws IOException if the system does not tell
     */
    public static Ids current() throws IOException {
        return of(Users.current());
    }

    private static Ids of(List<Long> numbers) {
        return new Ids(numbers.get(0), numbers.get(1), numbers.subList(2, numbers.size()));
    }

    /** Whether this process has these ids and no others: real, effective and saved. An ordinary user may not even set its own groups. */
    boolean areOurs() {
        try {
            return current().meanTheSameAs(this) && Users.distinct().equals(Set.of(List.of(uid, gid)));
        } catch (IOException _) {
            return false;
        }
    }

    /** Whether this process has this uid and no other one. */
    boolean uidIsOurs() {
        return Users.distinct().stream().allMatch(pair -> pair.getFirst() == uid);
    }

    /** Whether this process's real group and its supplementary ones are these, so that it needs no right to have no others. */
    boolean groupsAreOurs() {
        try {
            Ids ours = current();
            return ours.gid == gid && new Ids(uid, gid, ours.groups).meanTheSameAs(this);
        } catch (IOException _) {
            return false;
        }
    }

    /**
     * Whether this process is a set-id program that has not settled for one user and one group: its real, effective and saved ids
     * differ.
     *
     * @return true if they do
     */
    public static boolean areMixed() {
        return Users.distinct().size() > 1;
    }

    /**
     * Whether this is root, to which the system refuses nothing.
     *
     * @return true for uid 0
     */
    public boolean isRoot() {
        return uid == 0;
    }

    @Override
    public String toString() {
        return "uid " + uid + " gid " + gid + " groups " + groups;
    }
}
