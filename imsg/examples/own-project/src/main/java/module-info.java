/** A program that uses imsg. */
module hello {
    requires org.imsg;
}
