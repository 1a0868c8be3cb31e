/** What the side-by-side pass leaves behind: lines for the console, JSON, CSV, charts, and a page that shows them. */
package org.imsg.bench.report;
