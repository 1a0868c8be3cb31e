/**
 * C structs as Java records, laid out by the rules of the C ABI. Begin at {@link org.imsg.cstruct.CStruct}. Knows memory
 * segments only, no message and no socket: the buffers and messages of {@code org.imsg} use it, not the other way round.
 */
package org.imsg.cstruct;
