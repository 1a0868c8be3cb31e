package org.imsg.privsep.ops;

import java.util.List;

/**
 * A network service, as services(5) has it.
 *
 * @param name its name
 * @param port its port, 0 to 65535
 * @param protocol such as {@code tcp}
 * @param aliases its other names
 */
public record Service(String name, int port, String protocol, List<String> aliases) {}
