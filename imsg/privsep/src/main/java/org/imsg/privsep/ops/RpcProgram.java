package org.imsg.privsep.ops;

import java.util.List;

/**
 * A Sun RPC program, as rpc(5) has it.
 *
 * @param name its name
 * @param number its number, 0 to 4294967295
 * @param aliases its other names
 */
public record RpcProgram(String name, long number, List<String> aliases) {}
