// TestAuthority: a certificate authority for one test, made by the openssl command.

import Glibc

public final class TestAuthority: Sendable {
    /// A certificate it has signed, with its key.
    public struct Issued: Sendable {
        public let certificateFile: String
        public let keyFile: String
    }

    public let directory: String
    public var certificateFile: String { directory + "/ca.pem" }
    private var keyFile: String { directory + "/ca.key" }

    public init() throws {
        var template = Array("/tmp/contoso-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ClientError(description: "mkdtemp failed") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        try run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9"
                + " -subj /CN=TestAuthority -addext keyUsage=critical,keyCertSign,cRLSign"
                + " -keyout \(keyFile) -out \(certificateFile)")
    }

    deinit { _ = system("rm -r \(directory)") }

    /// A certificate with its issuer behind it in the file.
    ///
    /// - Parameters:
    ///   - subject: as openssl writes it: "/O=Contoso/CN=courier".
    ///   - usage: "serverAuth" or "clientAuth".
    public func issue(
        _ name: String, subject: String, usage: String = "serverAuth", dayCount: Int = 2
    ) throws -> Issued {
        let path = directory + "/" + name
        try run(
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                + " -utf8 -subj '\(subject)' -keyout \(path).key -out \(path).csr"
                + " && printf 'subjectAltName=DNS:\(name)\nextendedKeyUsage=\(usage)\n'"
                + " > \(path).ext"
                + " && openssl x509 -req -days \(dayCount) -in \(path).csr -CA \(certificateFile)"
                + " -CAkey \(keyFile) -CAcreateserial -extfile \(path).ext -out \(path).leaf"
                + " && cat \(path).leaf \(certificateFile) > \(path).pem")
        return Issued(certificateFile: path + ".pem", keyFile: path + ".key")
    }

    /// An OCSP response about `issued`, good for `dayCount` days.
    ///
    /// - Parameter signer: nil signs with the authority itself.
    /// - Returns: the file's path.
    public func staple(
        for issued: Issued, isRevoked: Bool = false, dayCount: Int = 1, signer: Issued? = nil
    ) throws -> String {
        let index = directory + "/index.txt"
        let output = issued.certificateFile + ".ocsp"
        let state = isRevoked ? "R\\t491231235959Z\\t251231235959Z" : "V\\t491231235959Z\\t"
        try run(
            "serial=$(openssl x509 -in \(issued.certificateFile) -noout -serial | cut -d= -f2)"
                + " && printf '\(state)\\t%s\\tunknown\\t/CN=any\\n' $serial > \(index)"
                + " && openssl ocsp -index \(index) -CA \(certificateFile)"
                + " -rsigner \(signer?.certificateFile ?? certificateFile)"
                + " -rkey \(signer?.keyFile ?? keyFile) -issuer \(certificateFile)"
                + " -cert \(issued.certificateFile) -no_nonce -ndays \(dayCount)"
                + " -respout \(output)")
        return output
    }

    private func run(_ command: String) throws {
        guard system("{ \(command); } > \(directory)/log 2>&1") == 0 else {
            throw ClientError(description: "openssl failed; see \(directory)/log")
        }
    }
}
