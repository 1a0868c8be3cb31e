package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.unix.Fd;

/** Removes a file or a tree beneath what a rule names. Links are removed, not followed; a mount in the tree is an error. */
record RemoveTree(String path) implements Operation.Request {
    static final Operation<RemoveTree, Rule> OPERATION = new Operation<>(Effect.CHANGE, 7, "remove",
            fields -> new RemoveTree(fields.string("path")), line -> new Rule(line.path()), RemoveTree::perform);

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public List<String> paths() {
        return List.of(path);
    }

    @Override
    public void addTo(Ibuf payload) {
        Fields.addString(payload, path);
    }

    @Override
    public String toString() {
        return "remove " + path;
    }

    /** {@code remove PATH}. */
    record Rule(PolicyPath path) implements Operation.Rule<RemoveTree> {
        @Override
        public Verdict verdict(RemoveTree remove) {
            return path.find(remove.path).isPresent() ? Verdict.ALLOWED : Verdict.NOT_CONCERNED;
        }
    }

    static Answer perform(Permit<RemoveTree, Rule> permit) throws IOException {
        Place place = permit.rule().path.find(permit.request().path).orElseThrow();
        try (Fd parent = permit.parent(place)) {
            Removal.of(permit.host().beneath(), parent, Name.of(place.name()), permit.over());
        }
        return Answer.done(List.of());
    }
}
