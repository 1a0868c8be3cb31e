package org.imsg.privsep.ops;

import java.util.List;

/**
 * A group as getgrnam(3) knows it, without the password.
 *
 * @param name the group's name
 * @param gid its id, unsigned
 * @param members the names of the users in it, but for those whose first group it is
 */
public record Group(String name, int gid, List<String> members) {}
