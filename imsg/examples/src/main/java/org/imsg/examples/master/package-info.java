/**
 * A mail server in small, split as Postfix is: services come from a table, their processes come and go on demand, and a queue of files
 * outlives all of them. Uses {@code org.imsg}, {@code org.imsg.unix} and {@code org.imsg.privsep}.
 */
package org.imsg.examples.master;
