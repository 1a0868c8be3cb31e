package org.imsg.privsep.ops;

/**
 * A user as getpwnam(3) knows it, without the password.
 *
 * @param name the login name
 * @param uid the user's id, unsigned
 * @param gid the id of the first group, unsigned
 * @param gecos the real name and more
 * @param home the home directory
 * @param shell the login shell
 */
public record User(String name, int uid, int gid, String gecos, String home, String shell) {}
