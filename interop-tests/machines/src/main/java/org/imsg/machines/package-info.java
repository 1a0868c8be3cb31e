/** Tests of other modules, run on machines of other processors. */
package org.imsg.machines;
