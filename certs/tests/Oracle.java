// The JDK's own XML signatures, for the tests of certs: one task a line on standard input, one verdict a line.
//   c14n URI IN OUT | verify IN CERTIFICATE | sign URI IN KEY ALGORITHM OUT
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.*;
import java.util.*;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.*;
import javax.xml.transform.*;
import javax.xml.transform.dom.*;
import javax.xml.transform.stream.*;
import org.w3c.dom.*;

public class Oracle {
    static final String DSIG = "http://www.w3.org/2000/09/xmldsig#";
    static final String EXC = "http://www.w3.org/2001/10/xml-exc-c14n#";

    static Document read(String file) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document document = factory.newDocumentBuilder().parse(new File(file));
        NodeList all = document.getElementsByTagName("*");
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            if (element.hasAttribute("Id")) element.setIdAttribute("Id", true);
        }
        return document;
    }

    static void c14n(String uri, String in, String out) throws Exception {
        com.sun.org.apache.xml.internal.security.Init.init();
        var canonicalizer = com.sun.org.apache.xml.internal.security.c14n.Canonicalizer.getInstance(uri);
        try (OutputStream file = new FileOutputStream(out)) {
            canonicalizer.canonicalizeSubtree(read(in), file);
        }
    }

    static void verify(String in, String certificate) throws Exception {
        PublicKey key = CertificateFactory.getInstance("X.509")
            .generateCertificate(new FileInputStream(certificate)).getPublicKey();
        Node signature = read(in).getElementsByTagNameNS(DSIG, "Signature").item(0);
        DOMValidateContext context = new DOMValidateContext(key, signature);
        if (!XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context).validate(context)) {
            throw new Exception("invalid");
        }
    }

    static void sign(String uri, String in, String keyFile, String algorithm, String out) throws Exception {
        PrivateKey key = KeyFactory.getInstance(algorithm)
            .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Path.of(keyFile))));
        Document document = read(in);
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        Reference reference = factory.newReference("",
            factory.newDigestMethod(DigestMethod.SHA256, null),
            List.of(factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
                factory.newTransform(EXC, (TransformParameterSpec) null)), null, null);
        SignedInfo info = factory.newSignedInfo(
            factory.newCanonicalizationMethod(EXC, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod(uri, null), List.of(reference));
        factory.newXMLSignature(info, null).sign(new DOMSignContext(key, document.getDocumentElement()));
        Transformer writer = TransformerFactory.newInstance().newTransformer();
        writer.transform(new DOMSource(document), new StreamResult(new File(out)));
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = tasks.readLine()) != null; ) {
            String[] task = line.split(" ");
            try {
                switch (task[0]) {
                    case "c14n" -> c14n(task[1], task[2], task[3]);
                    case "verify" -> verify(task[1], task[2]);
                    default -> sign(task[1], task[2], task[3], task[4], task[5]);
                }
                System.out.println("ok");
            } catch (Throwable refused) {
                System.out.println(refused.toString().replace('\n', ' '));
            }
        }
    }
}
