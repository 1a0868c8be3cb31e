package org.imsg.privsep.ops;

import java.util.List;

/**
 * A group as getgrnam(3) knows it, without the password.
 *
 * @param name the group's name
 * @param gid its id, 0 to 4294967294
 * @param members the names of the users in it, but for those whose first group it is
 */
public record Group(String name, long gid, List<String> members) {}
