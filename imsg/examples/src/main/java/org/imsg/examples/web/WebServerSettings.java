package org.imsg.examples.web;

import java.nio.file.Path;
import java.util.List;

/** The arguments of the program, the same in the parent and in the child. */
record WebServerSettings(int port, Path site, long uid) {
    static WebServerSettings of(List<String> arguments) {
        return new WebServerSettings(Integer.parseInt(arguments.get(0)), Path.of(arguments.get(1)),
                Long.parseLong(arguments.get(2)));
    }
}
