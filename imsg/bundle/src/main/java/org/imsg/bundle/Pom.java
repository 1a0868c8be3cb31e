package org.imsg.bundle;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** A pom.xml, or another file of XML, read by XPath. Thread safety: used by one thread. */
final class Pom {
    private final XPath path = XPathFactory.newInstance().newXPath();
    private final Path file;
    private final Document document;

    Pom(Path file) throws IOException {
        this.file = file;
        try {
            document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
        } catch (SAXException | ParserConfigurationException e) {
            throw new IOException(file + " is no XML that can be read", e);
        }
    }

    Path directory() {
        return file.toAbsolutePath().getParent();
    }

    String artifact() {
        return text("/project/artifactId");
    }

    String version() {
        String own = text("/project/version");
        return own.isEmpty() ? text("/project/parent/version") : own;
    }

    boolean isJar() {
        String packaging = text("/project/packaging");
        return packaging.isEmpty() || packaging.equals("jar");
    }

    /** Whether the pom says that its module is never shipped. */
    boolean isNeverShipped() {
        return text("/project/properties/maven.deploy.skip").equals("true");
    }

    /** The text at an XPath, empty if there is none. */
    String text(String expression) {
        return (String) at(expression, XPathConstants.STRING);
    }

    /** The texts at an XPath, in the order of the file. */
    List<String> texts(String expression) {
        NodeList found = (NodeList) at(expression, XPathConstants.NODESET);
        return IntStream.range(0, found.getLength()).mapToObj(found::item).map(Node::getTextContent).toList();
    }

    private Object at(String expression, javax.xml.namespace.QName type) {
        try {
            return path.evaluate(expression, document, type);
        } catch (XPathExpressionException e) {
            throw new IllegalArgumentException(expression, e);
        }
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
