package org.imsg.outside;

import java.io.IOException;
import org.imsg.unix.Fd;

/** A program that makes one native call: what NativeAccessTest starts, with and without the flag. */
public final class OpensPipe {
    private OpensPipe() {}

    public static void main(String[] arguments) throws IOException {
        Fd.pipe().close();
        System.out.println("native access works");
    }
}
