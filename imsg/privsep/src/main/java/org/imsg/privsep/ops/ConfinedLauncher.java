package org.imsg.privsep.ops;

import java.io.IOException;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Child;

/** Starts programs as another user for good: no supplementary groups, and no program they start gives them rights back. */
final class ConfinedLauncher {
    private ConfinedLauncher() {}

    static Child start(Child.Builder program, int uid, int gid) throws IOException {
        return Confinement.none().to(Ids.of(Integer.toUnsignedLong(uid), Integer.toUnsignedLong(gid))).boundingSet()
                .spawn(program);
    }
}
