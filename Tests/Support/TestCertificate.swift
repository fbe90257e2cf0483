// TestCertificate: a self-signed certificate, made by the openssl command; its own authority.

import Glibc

public final class TestCertificate: Sendable {
    public let directory: String
    public var certificateFile: String { directory + "/cert.pem" }
    public var keyFile: String { directory + "/key.pem" }
    private let alternativeNames: String
    private let dayCount: Int
    private let key: Key

    public enum Key: String, Sendable {
        case ec = "ec -pkeyopt ec_paramgen_curve:prime256v1"
        case rsa = "rsa:2048"
    }

    /// - Parameters:
    ///   - alternativeNames: what the certificate is for, as openssl writes it.
    ///   - dayCount: how long it is good; negative: it has expired.
    public init(
        for alternativeNames: String = "DNS:localhost,IP:127.0.0.1", dayCount: Int = 2,
        key: Key = .ec
    ) throws {
        self.key = key
        self.alternativeNames = alternativeNames
        self.dayCount = dayCount
        var template = Array("/tmp/contoso-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ClientError(description: "mkdtemp failed") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        try renew()
    }

    /// Writes a new certificate and key over the old ones.
    public func renew() throws {
        let request = directory + "/request.pem"
        let extensions = directory + "/extensions"
        let command =
            "openssl req -newkey \(key.rawValue) -nodes"
            + " -subj /CN=localhost -keyout \(keyFile) -out \(request) 2>/dev/null"
            + " && echo subjectAltName=\(alternativeNames) > \(extensions)"
            + " && openssl x509 -req -days \(dayCount) -in \(request) -signkey \(keyFile)"
            + " -extfile \(extensions) -out \(certificateFile) 2>/dev/null"
        guard system(command) == 0 else { throw ClientError(description: "openssl failed") }
    }

    deinit { _ = system("rm -r \(directory)") }
}
