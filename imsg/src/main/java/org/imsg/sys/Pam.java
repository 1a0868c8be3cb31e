package org.imsg.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Asks Linux-PAM whether a secret is that of a user: pam(3). Its modules run in this process, with its rights, in the calling thread, which
 * should be a platform thread: they may take seconds.
 */
public final class Pam {
    /** The most bytes of a secret: PAM_MAX_RESP_SIZE less the NUL. */
    public static final int LONGEST_SECRET = 511;

    private static final String LIBRARY = "libpam.so.0";
    private static final CFunction START = CFunction.of(LIBRARY, "pam_start");
    private static final CFunction START_CONFDIR = CFunction.of(LIBRARY, "pam_start_confdir");
    private static final CFunction AUTHENTICATE = CFunction.of(LIBRARY, "pam_authenticate");
    private static final CFunction ACCT_MGMT = CFunction.of(LIBRARY, "pam_acct_mgmt");
    private static final CFunction GET_ITEM = CFunction.of(LIBRARY, "pam_get_item");
    private static final CFunction END = CFunction.of(LIBRARY, "pam_end");
    private static final CFunction STRERROR = CFunction.of(LIBRARY, "pam_strerror");
    private static final CFunction CALLOC = new CFunction("calloc");
    private static final CFunction FREE = new CFunction("free");

    private static final int SUCCESS = 0;
    private static final int BUF_ERR = 5;
    private static final int CONV_ERR = 19;
    private static final int PROMPT_ECHO_OFF = 1;
    private static final int ERROR_MSG = 3;
    private static final int TEXT_INFO = 4;
    private static final int USER = 2;
    private static final long SILENT = 0x8000;
    private static final long DISALLOW_NULL_AUTHTOK = 1;
    private static final long RESPONSE_SIZE = 16;

    private final MemorySegment secret;
    private boolean asked;

    private Pam(MemorySegment secret) {
        this.secret = secret;
    }

    /**
     * What PAM says.
     *
     * @param authenticated whether the secret is the user's
     * @param allowed whether the account may be used now as well
     * @param user the name that the modules ended with; empty unless authenticated
     * @param why PAM's words for the last step
     */
    public record Outcome(boolean authenticated, boolean allowed, String user, String why) {}

    /**
     * Asks the modules of a service. The first question without echo is answered with the secret, and no other question is.
     *
     * @param service the service's name
     * @param directory the directory of its configuration, or empty for the system's
     * @param user the user's name
     * @param secret outside the heap, without a NUL at its end; the caller wipes it
     * @return what PAM says
     * @throws UnsupportedOperationException if this system has no Linux-PAM
     */
    public static Outcome authenticate(String service, String directory, String user, MemorySegment secret) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(ADDRESS);
            MemorySegment conversation = arena.allocate(16, 8);
            conversation.set(ADDRESS, 0, new Pam(secret).callback(arena));
            long serviceName = arena.allocateFrom(service).address();
            long userName = arena.allocateFrom(user).address();
            int started = directory.isEmpty()
                    ? START.call(serviceName, userName, conversation.address(), handle.address())
                    : START_CONFDIR.call(serviceName, userName, conversation.address(),
                            arena.allocateFrom(directory).address(), handle.address());
            return started == SUCCESS
                    ? ask(handle.get(JAVA_LONG, 0), arena)
                    : new Outcome(false, false, "", text(0, started));
        }
    }

    private static Outcome ask(long handle, Arena arena) {
        int status = SUCCESS;
        try {
            status = AUTHENTICATE.call(handle, SILENT | DISALLOW_NULL_AUTHTOK);
            if (status != SUCCESS)
                return new Outcome(false, false, "", text(handle, status));
            status = ACCT_MGMT.call(handle, SILENT | DISALLOW_NULL_AUTHTOK);
            MemorySegment item = arena.allocate(ADDRESS);
            int named = GET_ITEM.call(handle, USER, item.address());
            String user = named == SUCCESS && item.get(JAVA_LONG, 0) != 0 ? string(item.get(JAVA_LONG, 0)) : "";
            return new Outcome(true, status == SUCCESS, user, text(handle, status));
        } finally {
            END.call(handle, status);
        }
    }

    private static String text(long handle, int status) {
        return string(STRERROR.pointer(handle, status));
    }

    @SuppressWarnings("restricted")
    private static String string(long address) {
        return MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE).getString(0);
    }

    @SuppressWarnings("restricted")
    private MemorySegment callback(Arena arena) {
        try {
            MethodHandle answer = MethodHandles.lookup().bind(this, "answer",
                    MethodType.methodType(int.class, int.class,
                            MemorySegment.class, MemorySegment.class, MemorySegment.class));
            return Linker.nativeLinker().upcallStub(answer,
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS), arena);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The conversation function: an exception that left it would end the JVM. */
    private int answer(int count, MemorySegment messages, MemorySegment responses, MemorySegment data) {
        try {
            return respond(count, messages, responses);
        } catch (Throwable _) {
            return CONV_ERR;
        }
    }

    @SuppressWarnings("restricted")
    private int respond(int count, MemorySegment messages, MemorySegment responses) {
        if (count < 1 || count > 32)
            return CONV_ERR;
        MemorySegment pointers = messages.reinterpret(8L * count);
        int prompts = 0;
        for (int i = 0; i < count; i++) {
            int style = styleOf(pointers, i);
            if (style != TEXT_INFO && style != ERROR_MSG && (style != PROMPT_ECHO_OFF || asked || prompts++ > 0))
                return CONV_ERR;
        }
        long array = CALLOC.pointer(count, RESPONSE_SIZE);
        if (array < 0)
            return BUF_ERR;
        MemorySegment made = MemorySegment.ofAddress(array).reinterpret(count * RESPONSE_SIZE);
        for (int i = 0; i < count; i++)
            if (styleOf(pointers, i) == PROMPT_ECHO_OFF) {
                long copy = CALLOC.pointer(1, secret.byteSize() + 1);
                if (copy < 0) {
                    FREE.call(array);
                    return BUF_ERR;
                }
                MemorySegment.ofAddress(copy).reinterpret(secret.byteSize()).copyFrom(secret);
                made.set(JAVA_LONG, i * RESPONSE_SIZE, copy);
                asked = true;
            }
        // From here on the array and what it points to are the module's, which wipes and frees them.
        responses.reinterpret(8).set(JAVA_LONG, 0, array);
        return SUCCESS;
    }

    @SuppressWarnings("restricted")
    private static int styleOf(MemorySegment pointers, int index) {
        return MemorySegment.ofAddress(pointers.get(JAVA_LONG, 8L * index)).reinterpret(4).get(JAVA_INT, 0);
    }
}
