package org.imsg.privsep.ops;

/**
 * A user as getpwnam(3) knows it, without the password.
 *
 * @param name the login name
 * @param uid the user's id, 0 to 4294967294
 * @param gid the id of the first group, 0 to 4294967294
 * @param gecos the real name and more
 * @param home the home directory
 * @param shell the login shell
 */
public record User(String name, long uid, long gid, String gecos, String home, String shell) {}
