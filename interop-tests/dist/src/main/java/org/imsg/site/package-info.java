/** The Javadoc of all modules that are shipped, as one site. Uses the JDK only. */
package org.imsg.site;
