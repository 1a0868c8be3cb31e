package org.imsg.privsep.rights;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The parts of a {@link Confinement}. A null stands for what was not asked for. Never changed once it is shared. */
final class Restrictions implements Cloneable {
    @Nullable
    Set<Promise> promises;
    Map<Path, Set<Access>> unveiled = Map.of();
    boolean unveiledJava;
    Set<Namespace> namespaces = Set.of();
    @Nullable
    PrivateRoot privateRoot;
    @Nullable
    Path chroot;
    @Nullable
    Ids ids;
    long intermediate = 65_533;
    Map<Resource, Long> limits = Map.of();
    /** Null for any. */
    @Nullable
    Set<Integer> bindPorts;
    @Nullable
    Set<Integer> connectPorts;
    @Nullable
    Set<Capability> bounding;
    Set<Capability> ambient = Set.of();
    @Nullable
    ControlGroup group;
    int niceness;
    boolean ifPossible;

    /** A copy with something changed. */
    Restrictions with(Consumer<Restrictions> change) {
        try {
            Restrictions copy = (Restrictions) clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** Whether an exec under no_new_privs leaves the user that these name: where all of its users are the same, it always does. */
    boolean execKeepsUser(Platform platform) {
        return platform.execKeepsUser() || ids != null && ids.uid() == intermediate;
    }

    boolean ports() {
        return bindPorts != null || connectPorts != null;
    }

    boolean veil() {
        return unveiledJava || !unveiled.isEmpty();
    }

    /** Whether it takes nothing but what {@link Confinement#enter()} can limit, which leaves a process its other rights, and a group. */
    boolean isLimitedOnly() {
        return equals(new Restrictions().with(copy -> {
            copy.limits = limits;
            copy.group = group;
            copy.ifPossible = ifPossible;
        }));
    }

    private List<Object> all() {
        return Arrays.asList(promises, unveiled, unveiledJava, namespaces, privateRoot, chroot, ids, intermediate,
                limits, bindPorts, connectPorts, bounding, ambient, group, niceness, ifPossible);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Restrictions restrictions && all().equals(restrictions.all());
    }

    @Override
    public int hashCode() {
        return all().hashCode();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "promises %s, unveiled %s%s, namespaces %s, private root %s, chroot %s, %s, limits %s, TCP ports %s and %s, bounding set %s, ambient %s, control group %s, niceness %+d%s",
                promises, unveiledJava ? "Java and " : "", unveiled, namespaces, privateRoot, chroot, ids,
                limits, bindPorts, connectPorts, bounding, ambient, group, niceness,
                ifPossible ? ", if possible" : "");
    }
}
