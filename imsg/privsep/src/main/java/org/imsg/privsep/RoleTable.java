package org.imsg.privsep;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The roles of a program, in the order they were named, and who is connected to whom. */
final class RoleTable {
    private final Map<String, RoleSettings> roles = new LinkedHashMap<>();

    void add(RoleSettings role) {
        if (roles.putIfAbsent(role.name(), role) != null)
            throw new IllegalArgumentException("there are two roles " + role.name());
    }

    /** Fails if a role names one that is not there. */
    void check() {
        if (roles.isEmpty())
            throw new IllegalStateException("the program has no role");
        roles.values().forEach(role -> role.rights().check(role.name()));
        for (RoleSettings role : roles.values())
            for (String other : role.connections())
                if (!roles.containsKey(other))
                    throw new IllegalStateException("role " + role.name() + " names a connection to " + other
                            + ", which is none of " + roles.keySet());
    }

    Collection<RoleSettings> all() {
        return Collections.unmodifiableCollection(roles.values());
    }

    Set<String> names() {
        return Collections.unmodifiableSet(roles.keySet());
    }

    RoleSettings get(String name) {
        RoleSettings role = roles.get(name);
        if (role == null)
            throw new IllegalStateException("no role " + name + " in " + roles.keySet());
        return role;
    }

    /** Whether one of the two names the other. */
    boolean connected(String one, String other) {
        return get(one).connections().contains(other) || get(other).connections().contains(one);
    }

    /** Whether a process of one role may ask for one of the other. */
    boolean mayAsk(String role, String wanted) {
        RoleSettings other = roles.get(wanted);
        return other != null && other.onDemand()
                .map(settings -> !settings.startsAs() && settings.askers().contains(role)).orElse(false);
    }

    /** The roles on demand that a process of that role may ask for. */
    Set<String> askableFrom(String role) {
        return names().stream().filter(wanted -> mayAsk(role, wanted)).collect(Collectors.toUnmodifiableSet());
    }

    /** The roles a process of that role has channels to, the parent among them. */
    Set<String> reachableFrom(String role) {
        Set<String> reachable = new TreeSet<>(Set.of(Peer.PARENT));
        names().stream().filter(other -> connected(role, other)).forEach(reachable::add);
        return reachable;
    }
}
