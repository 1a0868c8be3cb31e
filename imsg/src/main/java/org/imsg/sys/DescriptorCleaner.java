package org.imsg.sys;

import java.lang.ref.Cleaner;

/** The one cleaner of this module: it closes descriptors whose owner became unreachable without closing them. */
public final class DescriptorCleaner {
    /** Started by its first use; its actions are short and do not wait. */
    public static final Cleaner CLEANER = Cleaner.create();

    private DescriptorCleaner() {}
}
