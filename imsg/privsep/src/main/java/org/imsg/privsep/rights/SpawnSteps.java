package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.imsg.privsep.rights.Confinement.Parts;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Posix;

/**
 * A confinement as the steps of the thread that starts the child, in the one order in which each still has the rights it needs.
 * Holds a Landlock ruleset's descriptor until closed.
 */
final class SpawnSteps implements AutoCloseable {
    /** Closing a shared arena stops all threads for a moment; what is in here is small. */
    private final Arena arena = Arena.ofAuto();
    private final List<Step> steps = new ArrayList<>();
    private int ruleset = -1;

    SpawnSteps(Parts parts) throws PrivilegeException {
        if (!parts.ambient().isEmpty() && parts.ids() == null)
            throw new PrivilegeException("ambient capabilities", "they take the ids of a user: root has them all");
        try {
            namespaces(parts);
            if (parts.bounding() != null)
                bound(parts.bounding());
            call("prctl", "no_new_privs", Confining.PR_SET_NO_NEW_PRIVS, 1);
            if (parts.veils())
                unveil(parts);
            if (parts.ids() != null)
                become(parts.ids(), parts.ambient());
            if (parts.promises() != null)
                filter(parts.promises());
        } catch (PrivilegeException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    List<Step> list() {
        return steps;
    }

    private void namespaces(Parts parts) throws PrivilegeException {
        int flags = 0;
        for (Namespace namespace : parts.namespaces())
            flags |= namespace.flag();
        if (flags != 0)
            call("unshare", parts.namespaces(), flags);
        if (parts.privateRoot() != null)
            steps.addAll(parts.privateRoot().steps(arena));
        if (parts.chroot() != null) {
            // The root is shared by all threads until one says that it is not.
            call("unshare", "root and working directory", 0x200);
            call("chroot", parts.chroot(), string(parts.chroot().toString()));
            call("chdir", "/", string("/"));
        }
    }

    private void bound(Set<Capability> bounding) {
        for (Capability capability : Capability.values())
            if (!bounding.contains(capability) && Capability.isKnownToKernel(capability))
                call("prctl", "bounding set without " + capability, Confining.PR_CAPBSET_DROP, capability.number());
    }

    private void unveil(Parts parts) throws PrivilegeException {
        int version = Landlock.version();
        ruleset = Landlock.create(arena, version);
        if (ruleset < 0)
            throw new PrivilegeException("landlock_create_ruleset", "version " + version, -ruleset);
        if (parts.unveiledJava())
            JavaPaths.unveiled().forEach((path, access) -> steps
                    .add(new Step.Unless(unveil(path, access, version), Constants.ENOENT)));
        parts.unveiled().forEach((path, access) -> steps.add(unveil(path, access, version)));
        call("landlock_restrict_self", "version " + version, ruleset, 0);
    }

    private Step unveil(Path path, Set<Access> access, int version) {
        return Step.Unveil.of(arena, path.toString(), ruleset, Landlock.rights(access, true, version),
                Landlock.rights(access, false, version));
    }

    private void become(Ids ids, Set<Capability> ambient) {
        long mask = Capability.mask(ambient);
        if (!Missing.isCurrent(ids))
            change(ids);
        call("capset", ambient, Confining.capabilityHeader(arena).address(),
                Confining.capabilityData(arena, mask).address());
        for (Capability capability : ambient)
            call("prctl", "ambient " + capability, Confining.PR_CAP_AMBIENT, Confining.PR_CAP_AMBIENT_RAISE,
                    capability.number());
    }

    private void change(Ids ids) {
        call("prctl", "keepcaps", Confining.PR_SET_KEEPCAPS, 1);
        MemorySegment groups = arena.allocate(JAVA_INT, Math.max(1, ids.groups().size()));
        for (int i = 0; i < ids.groups().size(); i++)
            groups.setAtIndex(JAVA_INT, i, ids.groups().get(i).intValue());
        call("setgroups", ids.groups(), ids.groups().size(), groups.address());
        call("setresgid", ids.gid(), ids.gid(), ids.gid(), ids.gid());
        call("setresuid", ids.uid(), ids.uid(), ids.uid(), ids.uid());
    }

    private void filter(Set<Promise> promises) {
        MemorySegment program = Confining.filterProgram(arena,
                SeccompFilter.of(LinuxSyscalls.host(), promises, true, 0));
        call("seccomp", promises, Confining.SECCOMP_SET_MODE_FILTER, 0, program.address());
    }

    private void call(String name, Object on, long... arguments) {
        steps.add(Step.Call.of(name, on, arguments));
    }

    private long string(String text) {
        return arena.allocateFrom(text).address();
    }

    @Override
    public void close() {
        if (ruleset >= 0)
            Posix.close(ruleset);
        ruleset = -1;
    }
}
