// TestCertificate: a self-signed certificate for localhost, made by the openssl command.

import Glibc

public final class TestCertificate {
    public let directory: String
    public var certificateFile: String { directory + "/cert.pem" }
    public var keyFile: String { directory + "/key.pem" }

    public init() throws {
        var template = Array("/tmp/contoso-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ClientError(description: "mkdtemp failed") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        try renew()
    }

    /// Writes a new certificate and key over the old ones.
    public func renew() throws {
        let command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
            + " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
            + " -keyout \(keyFile) -out \(certificateFile) 2>/dev/null"
        guard system(command) == 0 else { throw ClientError(description: "openssl failed") }
    }

    deinit { _ = system("rm -r \(directory)") }
}
