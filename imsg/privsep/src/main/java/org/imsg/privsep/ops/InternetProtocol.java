package org.imsg.privsep.ops;

import java.util.List;

/**
 * A protocol above IP, as protocols(5) has it.
 *
 * @param name its name
 * @param number its number, 0 to 255
 * @param aliases its other names
 */
public record InternetProtocol(String name, int number, List<String> aliases) {}
